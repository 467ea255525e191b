"""Runs `sam build`, compiles the artifact, and locks it against other stacks of the same clone."""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tools.set_up import ROOT, UV, locked, uv_settings
from tools.stack.bytecode import compile_artifacts, interpreter
from tools.stack.errors import StackError
from tools.stack.processes import LogEnd, running
from tools.supply_chain.describe_build import describe_build

SAM = ROOT / ".tools" / "sam" / "bin" / "sam"
LOCAL_BUILD = ROOT / ".aws-sam" / "local"
LOCAL_TEMPLATE = LOCAL_BUILD / "build" / "template.yaml"
_DATASETS = Path("SharedLayer", "python", "xporter_bridge", "datasets")
SOURCES = (
    "template.yaml",
    "samconfig.toml",
    "functions",
    "layers",
    "events",
    "pyproject.toml",
    "tools/supply_chain",
)


def build_for_deployment(log: IO[bytes], stage: str, company: Path | None = None) -> Path:
    """Build a stage of samconfig.toml, for the runtime and the processor in its settings.

    Args:
        company: The folder of a company's own samconfig.toml, datasets.toml, or both.

    Returns:
        The built template.

    Raises:
        StackError: The stage does not exist, or cannot be built.
    """
    settings = _settings_file(company)
    directory = _build_directory(stage, settings)
    with locked(ROOT / ".aws-sam" / "lock"):
        _sam_build(log, "--config-file", str(settings), "--config-env", stage)
        put_company_datasets(directory, company)
        built, template = directory.parent / "build.toml", directory / "template.yaml"
        decided = _decided(tomllib.loads(built.read_text(encoding="utf-8")))
        template.write_text(pinned(template.read_text(encoding="utf-8"), decided), encoding="utf-8")
        log.write(f"\n{_completed(directory, decided['PythonRuntime'])}\n".encode())
    return template


def put_company_datasets(directory: Path, company: Path | None) -> None:
    """Put a company's datasets beside the product's in an artifact; without any, remove them.

    The artifact may be one of an earlier build, which sam leaves where nothing has changed.
    """
    target = directory / _DATASETS / "company.toml"
    target.unlink(missing_ok=True)
    if company and (company / "datasets.toml").is_file():
        shutil.copyfile(company / "datasets.toml", target)


def pinned(template: str, decided: Mapping[str, str]) -> str:
    """Return the built template with the build's parameters as the only allowed values.

    The layers contain machine code. With another runtime or processor, the deployment would succeed
    and every function would fail.

    Args:
        decided: Parameters that the build has used up, with their values.

    Raises:
        StackError: The template declares one of them in an unknown form.
    """
    for name, value in decided.items():
        declaration = (
            f"  {name}:\n    Type: String\n    Default: {value}\n    AllowedValues: [{value}]\n"
            f"    ConstraintDescription: what was built is for {value}, so build it again\n"
        )
        template, found = re.subn(rf"(?m)^  {name}:\n(?:    .*\n)+", declaration, template)
        if found != 1:
            raise StackError(f"the built template declares {name} {found} times")
    return template


@contextmanager
def built_for_this_machine(log: IO[bytes]) -> Iterator[Path]:
    """Yield the built template; no other process builds during the block.

    Here, the functions run on this machine's interpreter, not on the deployed runtime.
    """
    LOCAL_BUILD.mkdir(parents=True, exist_ok=True)
    with (LOCAL_BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _build_if_changed(log)
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield LOCAL_TEMPLATE


def machine_parameters() -> dict[str, str]:
    """Return the template parameters that describe this machine."""
    architecture = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"PythonRuntime": f"python{version}", "Architecture": architecture}


def overrides(parameters: dict[str, str]) -> list[str]:
    """Return the arguments by which sam takes template parameters."""
    return ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]


def _settings_file(company: Path | None) -> Path:
    own = company and company.resolve() / "samconfig.toml"
    return own if own and own.is_file() else ROOT / "samconfig.toml"


def _build_directory(stage: str, settings: Path) -> Path:
    stages = tomllib.loads(settings.read_text(encoding="utf-8"))
    if "global" not in stages.get(stage, {}):  # the local stack builds for itself
        raise StackError(f"{settings.name} has no stage {stage!r} to be deployed")
    parameters = stages[stage].get("build", {}).get("parameters", {})
    return ROOT / str(parameters.get("build_dir", ".aws-sam/build"))


def _decided(built: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the runtime and processor of the layers, from sam's build.toml."""
    layer, *_ = built["layer_build_definitions"].values()
    return {
        "PythonRuntime": layer["compatible_runtimes"][0],
        "Architecture": layer["architecture"],
    }


def _build_if_changed(log: IO[bytes]) -> None:
    stamp, wanted = LOCAL_BUILD / "fingerprint", _fingerprint()
    if not stamp.exists() or stamp.read_text() != wanted:
        stamp.unlink(missing_ok=True)
        _sam_build(log, "--config-env", "local", *overrides(machine_parameters()))
        runtime = machine_parameters()["PythonRuntime"]
        log.write(f"{_completed(LOCAL_TEMPLATE.parent, runtime)}\n".encode())
        stamp.write_text(wanted)


def _completed(directory: Path, runtime: str) -> str:
    """Add what sam does not build, and return a message about the bytecode."""
    said = _compiled(directory, runtime)
    try:
        describe_build(directory)
    except ValueError as error:
        raise StackError(f"the build has no notice and no bill of materials: {error}") from error
    return said


def _compiled(directory: Path, runtime: str) -> str:
    """Add bytecode to the artifact, and return a message about the result."""
    python = interpreter(runtime)
    if python is None:
        return (
            f"WARNING: there is no {runtime} on this machine, so nothing was compiled. All works,"
            " but every cold start compiles what it imports, and takes two to three times as long"
            f" (docs/performance.md). With {runtime} on the PATH, build again."
        )
    return f"Compiled {compile_artifacts(directory, python)} modules for {runtime}, by {python}"


def _fingerprint() -> str:
    """Return a digest of all inputs of a build."""
    digest = hashlib.sha256(repr(machine_parameters()).encode())
    for path in sorted(_source_files()):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    for source in SOURCES:
        path = ROOT / source
        candidates = path.rglob("*") if path.is_dir() else [path]
        yield from (p for p in candidates if p.is_file() and "__pycache__" not in p.parts)


def _sam_build(log: IO[bytes], *arguments: str) -> None:
    settings = uv_settings()
    settings |= {"PATH": f"{UV.parent}{os.pathsep}{settings['PATH']}", "SAM_CLI_TELEMETRY": "0"}
    template = ["--template-file", str(ROOT / "template.yaml")]
    end = LogEnd(log)
    with running(
        [str(SAM), "build", *template, *arguments], environment=settings, log=log
    ) as process:
        if process.wait():
            raise StackError(f"sam build failed with status {process.returncode}{end}")
