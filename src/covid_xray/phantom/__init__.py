"""The phantom study: synthetic radiographs with planted truth, for the demo and the tests."""
