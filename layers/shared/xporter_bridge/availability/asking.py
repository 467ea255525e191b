"""Finds out which pull the company's software means: a dataset, or an endpoint with parameters."""

from __future__ import annotations

from xporter_bridge.api.schemas import PullAsked
from xporter_bridge.availability.accept import AvailabilityDesk, request_dataset, request_endpoint
from xporter_bridge.availability.model import PullRequest
from xporter_bridge.datasets.model import configured
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.schools.model import School
from xporter_bridge.xporter import endpoints as catalogue


def ask(school: School, asked: PullAsked, desk: AvailabilityDesk) -> PullRequest:
    """Take the request and return the pull that serves it.

    An endpoint named without parameters or options is the dataset that is configured for it.

    Raises:
        RequestRejectedError: 400 for neither or both, 404 for unknown names, 409
            for a school that cannot be pulled or has not granted the scope.
    """
    if (asked.dataset is None) == (asked.endpoint is None):
        raise RequestRejectedError(400, "name either a dataset or an endpoint")
    if asked.dataset is not None:
        if asked.parameters or asked.options:
            raise RequestRejectedError(400, "a dataset has its own parameters and options")
        return request_dataset(school, asked.dataset, desk)
    name = catalogue.find(asked.endpoint or "").name
    if not asked.parameters and not asked.options:
        for dataset in configured().values():
            if dataset.endpoint.name == name:
                return request_dataset(school, dataset.name, desk)
    return request_endpoint(school, name, asked.parameters, desk, options=asked.options)
