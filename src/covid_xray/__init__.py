"""COVID-19 detection on chest radiographs: two studies rebuilt, measured and audited."""

__version__ = "0.1.0"
