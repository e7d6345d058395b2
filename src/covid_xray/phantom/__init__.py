"""The phantom study: synthetic radiographs with planted truth, for the demo and the tests."""

from covid_xray.phantom.acquisition import HOSPITALS, MARKERS
from covid_xray.phantom.drawing import CLASSES, draw_radiograph
from covid_xray.phantom.plan import PhantomPlan
from covid_xray.phantom.writing import PLAN_FILE, TRUTH_COLUMNS, write_phantom_study

__all__ = [
    "CLASSES",
    "HOSPITALS",
    "MARKERS",
    "PLAN_FILE",
    "TRUTH_COLUMNS",
    "PhantomPlan",
    "draw_radiograph",
    "write_phantom_study",
]
