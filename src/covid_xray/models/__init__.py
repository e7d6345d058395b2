"""Keras models and their training."""

import os

# TensorFlow's start-up notes about processors and GPUs hide the run's own messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
