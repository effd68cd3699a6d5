"""What ``params.yaml`` may say: frozen dataclasses, checked in full before any stage does anything.

A top-level key is a setting of the run (:class:`Run`) or the name of a field, whose block the field's own
module describes as ``Params``. Every value stands in ``params.yaml``; nothing has a default here.
"""

import json
import re
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from unroll.errors import UserError

STRICT = ConfigDict(extra="forbid", strict=True)
Count = Annotated[int, Field(gt=0)]
Whole = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[Finite, Field(gt=0)]
NotNegative = Annotated[Finite, Field(ge=0)]
Share = Annotated[Finite, Field(ge=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
T = TypeVar("T")


class _Loader(yaml.SafeLoader):
    """Plain values only; reads ``1e-3`` as the number that it is in YAML 1.2, and so to DVC."""


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+[eE][-+]?\d+$"), list("-+0123456789"))


@dataclass(frozen=True, config=STRICT)
class Fabric:
    """Where training runs, in the words of Lightning Fabric."""

    accelerator: Literal["cpu", "cuda", "mps", "auto"]
    devices: Count
    num_nodes: Count
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]


@dataclass(frozen=True, config=STRICT)
class Run:
    """The settings shared by every field."""

    seed: Whole
    budget: Positive
    threads: Count
    fabric: Fabric


@dataclass(frozen=True, config=STRICT)
class Recurrent:
    """A stack of recurrent layers: see ``unroll.layers.stack``; with 0 ``layers`` there is no recurrence."""

    layer: Literal["rnn", "lstm", "gru", "mingru"]
    hidden: Count
    layers: Whole
    bidirectional: bool
    dropout: Share


@dataclass(frozen=True, config=STRICT)
class Train:
    """How the models of a task are fitted: see ``unroll.training.fit``.

    ``batch_steps``: time steps in a batch, padding included; ``clip``: largest norm of the gradient;
    ``validations``: how many times in a run; ``patience``: validations without a better score before it stops.
    """

    batch_steps: Count
    weight_decay: NotNegative
    clip: Positive
    validations: Count
    patience: Count


@dataclass(frozen=True, config=STRICT)
class Model:
    """A named variant of a task: its layers, and how long (in steps, at ``budget: 1``) and fast it learns."""

    recurrent: Recurrent
    steps: Count
    learning_rate: Positive


def check(kind: type[T], value: Any, where: str) -> T:
    """``value``, as read from YAML, as a ``kind``; refuses what does not fit, naming the key and what is allowed."""
    try:
        # Through JSON, because strictly typed dataclasses take mappings from there only.
        return TypeAdapter(kind).validate_json(json.dumps(value, default=str))
    except ValidationError as error:
        lines = [_explain(problem, where) for problem in error.errors(include_url=False)]
        raise UserError("\n".join(lines)) from None


def load(path: Path = Path("params.yaml"), only: str | None = None) -> tuple[Run, dict[str, Any]]:
    """The run's settings, and each field's ``Params`` by the field's name, or those of ``only`` one field.

    To check a field's block its code has to be imported, which takes as long as many a stage.
    """
    settings = read_yaml(path)
    if not isinstance(settings, dict):
        raise UserError(f"{path}: expected `key: value` lines, found {type(settings).__name__}")
    run_keys = set(Run.__dataclass_fields__)
    run = check(Run, {key: settings[key] for key in run_keys & settings.keys()}, path.name)
    blocks = {key: block for key, block in settings.items() if key not in run_keys and only in (None, key)}
    fields = {key: _field(key, block, path) for key, block in blocks.items()}
    return run, fields


def read_yaml(path: Path) -> Any:
    """The plain values in a YAML file; ``UserError`` naming the file where there is none or it is not YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run from the root of the project") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from None


def _field(name: str, block: Any, path: Path) -> Any:
    if not (str(name).isidentifier() and find_spec(f"unroll.fields.{name}")):
        known = ", ".join(sorted(Run.__dataclass_fields__))
        fields = ", ".join(sorted(module.name for module in iter_modules([str(Path(__file__).parent / "fields")])))
        raise UserError(f"{path.name}: {name}: unknown key; settings are {known}; fields are {fields}")
    return check(import_module(f"unroll.fields.{name}").Params, block, f"{path.name}: {name}")


def _explain(problem: Mapping[str, Any], where: str) -> str:
    """One line for one of pydantic's findings, such as ``params.yaml: seed: -1: should be at least 0``."""
    key = ".".join(str(part) for part in problem["loc"])
    separator = "." if ": " in where else ": "
    at = f"{where}{separator}{key}" if key else where
    match problem["type"]:
        case "unexpected_keyword_argument":
            return f"{at}: unknown key"
        case "missing":
            return f"{at}: this key is missing"
        case _:
            said = problem["msg"].removeprefix("Input ").removeprefix("Value error, ")
            return f"{at}: {said}, not {problem['input']!r}"
