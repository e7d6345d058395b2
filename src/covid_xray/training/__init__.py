"""Training of networks and classical classifiers, and the runs that are kept."""
