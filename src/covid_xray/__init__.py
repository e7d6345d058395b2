"""COVID-19 detection on chest radiographs: two studies rebuilt, measured and audited."""

import os

__version__ = "0.1.0"

# TensorFlow's start-up notes about processors and GPUs would hide the run's own messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Grad-CAM needs TensorFlow's gradients, whatever backend the user's keras.json names.
os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or "tensorflow"
