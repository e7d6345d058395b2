"""Pictures of a study: pure functions from frames and arrays to figures, under one theme."""
