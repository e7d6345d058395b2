"""Metrics of classifiers and their uncertainty."""
