import importlib
import pkgutil

import xporter_bridge
from xporter_bridge import errors


def every_error(of: type[errors.XporterBridgeError]) -> set[type[errors.XporterBridgeError]]:
    below = set(of.__subclasses__())
    return below.union(*(every_error(each) for each in below))


def test_the_tree_shows_every_error_and_no_other() -> None:
    for module in pkgutil.walk_packages(xporter_bridge.__path__, "xporter_bridge."):
        importlib.import_module(module.name)
    drawn = {
        words[-1]
        for line in (errors.__doc__ or "").splitlines()
        if "─ " in line and (words := line.partition("─ ")[2].split()[:1])
    }
    ours = {each for each in every_error(errors.XporterBridgeError) if is_ours(each)}
    assert drawn == {each.__name__ for each in ours}


def is_ours(error: type[Exception]) -> bool:
    return error.__module__.startswith("xporter_bridge")
