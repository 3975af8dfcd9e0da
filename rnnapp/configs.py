"""Settings: frozen, self-checking, and one vocabulary everywhere.

Each field of a config is declared once, with its label, range, unit and help. The sliders, the
address bar, the command
line, the run history and the checkpoints all read that declaration, so a name means the same thing
in each.

>>> config = WindowConfig(window=5, split=200)
>>> to_query(config)
{'window': '5', 'split': '200'}
>>> from_query(WindowConfig, {"window": "5", "split": "200"}) == config
True
>>> to_args(config)
['--window=5', '--split=200']
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast, get_args

from rnnapp.errors import ConfigError
from rnnapp.language import current_language
from rnnapp.language import gettext as _

__all__ = [
    "Cell",
    "CellKind",
    "DigitConfig",
    "ModelConfig",
    "Option",
    "SecondConfig",
    "Settings",
    "SettingsKind",
    "SimulatedConfig",
    "TrainConfig",
    "WindowConfig",
    "declared_options",
    "format_value",
    "from_dict",
    "from_query",
    "options",
    "parse_value",
    "to_args",
    "to_dict",
    "to_query",
]

CellKind = Literal["rnn", "lstm", "gru"]
Cell = Literal["rnn", "lstm", "gru", "rnn-scratch", "lstm-scratch", "gru-scratch"]
Readout = Literal["all", "last"]
Target = Literal["difference", "level", "log-return", "volatility", "mean-volatility"]
InputForm = Literal["auto", "level", "change", "volatility"]
ScalerRows = Literal["train", "all"]
Optimizer = Literal["adam", "sgd"]
Schedule = Literal["constant", "one-cycle"]
Device = Literal["auto", "cpu", "cuda"]
BackendName = Literal["auto", "torch", "compiled"]
DigitSource = Literal["auto", "mnist", "sklearn"]
Augmentation = Literal["none", "affine", "drawn"]
Process = Literal[
    "random-walk",
    "drift",
    "ar2",
    "seasons",
    "trend-break",
    "garch",
    "stochastic-volatility",
    "regimes",
    "echo",
    "counting",
    "sine",
    "mackey-glass",
]
SecondDay = Literal["auto", "same", "before"]
SettingsKind = Literal["forecast", "digits"]
_LONGEST_VALUE = 80
"""Characters of a refused value that an error repeats."""
_LONGEST_TEXT = 500
SplitPoint = int | float | str
ConfigT = TypeVar(
    "ConfigT",
    bound="WindowConfig | ModelConfig | TrainConfig | DigitConfig | SimulatedConfig | SecondConfig",
)


@dataclass(frozen=True)
class Option:
    """What one setting is called and what it takes.

    Attributes:
        label: name for a person.
        help: one line.
        kind: how its text is read: ``int``, ``float``, ``bool``, ``choice``, ``names`` (comma
            separated), ``split`` or ``text``.
        low, high: bounds, both included, for numbers.
        choices: what a choice takes.
        unit: unit of the value, empty where it has none.
    """

    label: str
    help: str
    kind: Literal["int", "float", "bool", "choice", "names", "split", "text"]
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    unit: str = ""

    def translate(self) -> Option:
        """The same with its words in the current language; what it takes stays."""
        return dataclasses.replace(
            self, label=_(self.label), help=_(self.help), unit=self.unit and _(self.unit)
        )


def _number(default: float, label: str, help: str, low: float, high: float, unit: str = "") -> Any:
    kind: Literal["int", "float"] = "int" if isinstance(default, int) else "float"
    return field(
        default=default, metadata={"option": Option(label, help, kind, low, high, unit=unit)}
    )


def _choice(default: str, label: str, help: str, choices: Sequence[str]) -> Any:
    return field(
        default=default, metadata={"option": Option(label, help, "choice", choices=tuple(choices))}
    )


def _switch(default: bool, label: str, help: str) -> Any:
    return field(default=default, metadata={"option": Option(label, help, "bool")})


@dataclass(frozen=True)
class WindowConfig:
    """How a price table becomes windows: T days of F features in, the next H closes out.

    A split given as a whole number counts training windows (200 is the notebooks' own), as a
    fraction it is the share of
    windows that train, as an ISO date it is the first day that may be tested.
    """

    window: int = _number(
        10, "Window length", "Days the net sees before each forecast.", 1, 250, "days"
    )
    horizon: int = _number(1, "Horizon", "Days ahead to forecast.", 1, 20, "days")
    features: tuple[str, ...] = field(
        default=(),
        metadata={
            "option": Option(
                "Features",
                "What the net sees of each day, by name: columns, rsi, macd and the like; prices "
                "stands for every price column, and so does none.",
                "names",
            )
        },
    )
    target: Target = _choice(
        "difference",
        "Target",
        "What the net predicts: the change in points, the close itself, the log-return, the "
        "volatility of that day, or the mean volatility of the days up to it.",
        get_args(Target),
    )
    inputs: InputForm = _choice(
        "auto",
        "Inputs",
        "Features as levels, as daily log-changes, or past volatility and signed returns; auto "
        "takes levels for a level target, volatility for a volatility target, else changes.",
        get_args(InputForm),
    )
    split: SplitPoint = field(
        default=0.7,
        metadata={
            "option": Option(
                "Split",
                "Training windows (200), their share (0.7), or the first test day (2018-01-02).",
                "split",
            )
        },
    )
    valid: float = _number(
        0.0,
        "Validation",
        "Share of the training windows, the latest ones, held out for validation.",
        0.0,
        0.5,
    )
    scaling: ScalerRows = _choice(
        "train",
        "Scaling",
        "Rows the scaler is fitted on. 'all' is what the notebooks did: it leaks the test part's "
        "range.",
        get_args(ScalerRows),
    )
    rows: int = _number(
        0, "Rows", "Use only the latest rows of the table; 0 uses all.", 0, 2_000_000, "rows"
    )

    def __post_init__(self) -> None:
        if isinstance(self.features, list):
            object.__setattr__(self, "features", tuple(self.features))
        _check(self)

    @property
    def forecasts_volatility(self) -> bool:
        """Whether the target is a volatility rather than a close."""
        return self.target in ("volatility", "mean-volatility")

    @property
    def input_form(self) -> Literal["level", "change", "volatility"]:
        """How features enter the net once ``auto`` is decided."""
        if self.inputs != "auto":
            return self.inputs
        if self.forecasts_volatility:
            return "volatility"
        return "level" if self.target == "level" else "change"


@dataclass(frozen=True)
class ModelConfig:
    """A recurrent net: its cell, its sizes and how it is read out."""

    cell: Cell = _choice(
        "gru",
        "Cell",
        "The recurrent cell; the scratch forms are written out from the equations.",
        get_args(Cell),
    )
    hidden: int = _number(8, "Hidden size", "Units in each layer and direction.", 1, 512, "units")
    layers: int = _number(1, "Layers", "Recurrent layers on top of each other.", 1, 4, "layers")
    bidirectional: bool = _switch(
        False, "Both directions", "Also read the window from its end to its start."
    )
    dropout: float = _number(
        0.0, "Dropout", "Share of units dropped between layers while training.", 0.0, 0.9
    )
    readout: Readout = _choice(
        "all",
        "Readout",
        "Read the answer from every step's output, or from the last step's alone.",
        get_args(Readout),
    )
    squash: bool = _switch(
        False, "Sigmoid head", "Squash the answer into 0..1, as the RNN notebook did."
    )

    def __post_init__(self) -> None:
        _check(self)

    @property
    def kind(self) -> CellKind:
        """The cell without its ``-scratch`` suffix."""
        return cast(CellKind, self.cell.removesuffix("-scratch"))

    @property
    def scratch(self) -> bool:
        """Whether the cell is the one written from its equations."""
        return self.cell.endswith("-scratch")

    @property
    def directions(self) -> int:
        """2 for a bidirectional net, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def name(self) -> str:
        """What the net is called on pages: ``GRU``, ``BiLSTM``, ``LSTM from scratch``."""
        return (
            ("Bi" if self.bidirectional else "")
            + self.kind.upper()
            + (" from scratch" if self.scratch else "")
        )


@dataclass(frozen=True)
class TrainConfig:
    """How a net is trained."""

    epochs: int = _number(30, "Epochs", "Passes over the training windows.", 1, 10_000, "epochs")
    batch: int = _number(64, "Batch size", "Windows in each step.", 1, 65_536, "windows")
    optimizer: Optimizer = _choice(
        "adam", "Optimizer", "Adam or plain stochastic gradient descent.", get_args(Optimizer)
    )
    lr: float = _number(
        5e-3, "Learning rate", "Step size; the peak of it under one-cycle.", 1e-6, 10.0
    )
    schedule: Schedule = _choice(
        "constant",
        "Schedule",
        "Keep the learning rate, or raise and lower it once (one-cycle).",
        get_args(Schedule),
    )
    shuffle: bool = _switch(True, "Shuffle", "Draw the windows in a new order each epoch.")
    patience: int = _number(
        0,
        "Patience",
        "Stop after so many epochs without a better validation loss; 0 never does.",
        0,
        10_000,
        "epochs",
    )
    clip: float = _number(0.0, "Clip", "Largest gradient norm; 0 does not clip.", 0.0, 1e6)
    seed: int = _number(
        0,
        "Seed",
        "Fixes first weights and batches: the same seed gives the same run.",
        0,
        2**31 - 1,
    )
    device: Device = _choice(
        "auto",
        "Device",
        "Where to train; auto takes a GPU where there is one.",
        get_args(Device),
    )
    backend: BackendName = _choice(
        "auto",
        "Backend",
        "Torch, or the compiled kernel for small nets; auto takes the faster.",
        get_args(BackendName),
    )

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class DigitConfig:
    """How handwritten digits become sequences: 28 rows as 28 steps of 28 pixels."""

    source: DigitSource = _choice(
        "auto",
        "Digits",
        "MNIST, or scikit-learn's 8x8 digits scaled up; auto takes MNIST where it is found.",
        get_args(DigitSource),
    )
    augment: Augmentation = _choice(
        "none",
        "Augment",
        "affine turns, shifts, scales and shears each digit a little; drawn also bends it, varies "
        "its weight and slashes zeros.",
        get_args(Augmentation),
    )
    mean: float = _number(0.0, "Mean", "Subtracted from pixels in 0..1.", -10.0, 10.0)
    sd: float = _number(1.0, "Spread", "Divides pixels after the mean is taken off.", 1e-3, 10.0)

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class SimulatedConfig:
    """A series of a known process, and so with a known best possible forecast."""

    simulated: Process = _choice(
        "random-walk",
        "Process",
        "What the prices follow. A random walk cannot be forecast; an echo needs memory.",
        get_args(Process),
    )
    simulated_rows: int = _number(2000, "Days", "Length of the series.", 200, 20_000, "days")
    strength: float = _number(
        0.3, "Strength", "Share of the squared daily change that can be known before.", 0.0, 0.99
    )
    noise: float = _number(
        1.0, "Noise", "Standard deviation of a day's surprise, in percent.", 0.0, 5.0, "%"
    )
    lag: int = _number(
        10, "Lag", "Days back that echo and counting need; the period of a sine.", 1, 120, "days"
    )
    simulation_seed: int = _number(
        0, "Draw", "Which series of the process: the same number gives the same prices.", 0, 9999
    )

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class SecondConfig:
    """A second series that is joined to the prices by date, as a feature."""

    second: str = field(
        default="",
        metadata={
            "option": Option(
                "Second series",
                "Another series as a feature: a bundled index, a ticker of Yahoo Finance or a "
                "file.",
                "text",
            )
        },
    )
    second_day: SecondDay = _choice(
        "auto",
        "Its day",
        "Which of its values a day may know: the same day's, or the day's before; auto takes the "
        "same day's only where it is known to close no later.",
        get_args(SecondDay),
    )

    def __post_init__(self) -> None:
        _check(self)


Config = WindowConfig | ModelConfig | TrainConfig | DigitConfig | SimulatedConfig | SecondConfig


@dataclass(frozen=True)
class Settings:
    """The configs of one run; a forecast has a window, a digit reader has digits.

    Attributes:
        model, train: the net and how it is trained.
        window: how prices became windows, None for digits.
        digits: how drawings became sequences, None for prices.
    """

    model: ModelConfig
    train: TrainConfig
    window: WindowConfig | None = None
    digits: DigitConfig | None = None

    @property
    def kind(self) -> SettingsKind:
        """What is learned: ``forecast`` or ``digits``."""
        if self.window is None:
            return "digits"
        return "forecast"

    @property
    def configs(self) -> tuple[WindowConfig | DigitConfig | ModelConfig | TrainConfig, ...]:
        """The configs that are set, in the order the data flows."""
        configs = (self.window, self.digits, self.model, self.train)
        return tuple(config for config in configs if config is not None)

    def flat(self) -> dict[str, Any]:
        """Every setting by its name."""
        return {name: value for config in self.configs for name, value in to_dict(config).items()}

    def query(self) -> dict[str, str]:
        """The settings that differ from their defaults, as the address bar carries them."""
        return to_query(*self.configs)

    def to_json(self) -> dict[str, Any]:
        """Plain values, by config."""
        groups = {group: getattr(self, group) for group in _GROUPS}
        return {group: to_dict(config) for group, config in groups.items() if config is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Settings:
        """What :meth:`to_json` returned; settings that this version does not know are ignored.

        Raises:
            ConfigError: a value outside what its setting takes.
        """
        groups = {
            group: _known_values(_GROUPS[group], values[group])
            for group in _GROUPS
            if group in values
        }
        return cls(**{group: from_dict(_GROUPS[group], known) for group, known in groups.items()})


def options(config: Any) -> dict[str, Option]:
    """The declared settings of a config or of its class, by name, in order and for people."""
    cls = config
    if not isinstance(config, type):
        cls = type(config)
    return _translate_options(cls, current_language())


@functools.cache
def _translate_options(cls: type[Any], _code: str) -> dict[str, Option]:
    return {name: option.translate() for name, option in declared_options(cls).items()}


def declared_options(cls: type[Any]) -> dict[str, Option]:
    """The settings of a config's class as declared, in English."""
    return {f.name: f.metadata["option"] for f in dataclasses.fields(cls)}


def to_dict(config: Config) -> dict[str, Any]:
    """A config as plain JSON values."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(config).items()
    }


def from_dict(cls: type[ConfigT], values: Mapping[str, Any]) -> ConfigT:
    """The config that :func:`to_dict` gave.

    Raises:
        ConfigError: an unknown name, or a value outside what the setting takes.
    """
    known = options(cls)
    for name in values:
        if name not in known:
            raise ConfigError(
                _("There is no setting {name!r}; the settings are {known}.").format(
                    name=name, known=", ".join(known)
                )
            )
    return cls(**values)


_GROUPS: dict[str, type[Any]] = {
    "window": WindowConfig,
    "digits": DigitConfig,
    "model": ModelConfig,
    "train": TrainConfig,
}


def _known_values(cls: type[Any], values: Any) -> dict[str, Any]:
    """The values of a saved config that this version still has."""
    if not isinstance(values, Mapping):
        raise ConfigError(
            _("The settings of {name} are {values!r}; they take names with values.").format(
                name=cls.__name__, values=values
            )
        )
    known = options(cls)
    return {name: value for name, value in values.items() if name in known}


def to_query(*configs: Config) -> dict[str, str]:
    """The settings that differ from their defaults, as the address bar carries them."""
    return {
        f.name: format_value(getattr(config, f.name))
        for config in configs
        for f in dataclasses.fields(config)
        if getattr(config, f.name) != f.default
    }


def to_args(*configs: Config) -> list[str]:
    """The settings that differ from their defaults, as the command line takes them."""
    arguments: list[str] = []
    for config in configs:
        known = options(config)
        for name, text in to_query(config).items():
            if known[name].kind == "bool":
                arguments.append(f"--{name}" if text == "true" else f"--no-{name}")
            else:
                arguments.append(f"--{name}={text}")
    return arguments


def from_query(cls: type[ConfigT], query: Mapping[str, str], *, clamp: bool = True) -> ConfigT:
    """A config out of an address; other parameters are passed over.

    Args:
        cls: the config's class.
        query: parameter texts by name.
        clamp: bring numbers into their range and ignore unreadable texts (for addresses) instead
            of raising.

    Raises:
        ConfigError: with ``clamp=False``, a text that is not what the setting takes.
    """
    values: dict[str, Any] = {}
    for name, option in options(cls).items():
        if name not in query:
            continue
        try:
            value = parse_value(option, query[name])
            if clamp and option.kind in ("int", "float"):
                value = type(value)(min(max(value, option.low), option.high))
            _check_value(name, option, value)
        except ConfigError:
            if not clamp:
                raise
        else:
            values[name] = value
    return cls(**values)


def format_value(value: Any) -> str:
    """A setting's value as text, the same in the address and on the command line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ",".join(str(v) for v in value)
    return repr(value) if isinstance(value, float) else str(value)


def parse_value(option: Option, text: str) -> Any:
    """Read a setting's text.

    Raises:
        ConfigError: the text is not of the setting's kind.
    """
    text = text.strip()
    try:
        if option.kind == "int":
            return int(text)
        if option.kind == "float":
            return float(text)
    except ValueError:
        kind = _("a whole number") if option.kind == "int" else _("a number")
        raise ConfigError(
            _("{label} is {text!r}; it takes {kind}.").format(
                label=option.label, text=text, kind=kind
            )
        ) from None
    if option.kind == "bool":
        if text.lower() not in _BOOLEANS:
            raise ConfigError(
                _("{label} is {text!r}; it takes true or false.").format(
                    label=option.label, text=text
                )
            )
        return _BOOLEANS[text.lower()]
    if option.kind == "names":
        return tuple(name.strip() for name in text.split(",") if name.strip())
    if option.kind == "split":
        return _parse_split(text)
    return text


_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _parse_split(text: str) -> SplitPoint:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _check(config: Config) -> None:
    for name, option in options(config).items():
        _check_value(name, option, getattr(config, name))


def _check_value(name: str, option: Option, value: Any) -> None:
    """Refuse a value that its setting does not take.

    Raises:
        ConfigError: names the setting, the value and what it takes.
    """
    if option.kind in ("int", "float"):
        _check_number(name, option, value)
    elif option.kind == "choice" and value not in option.choices:
        raise _refusal(name, value, ", ".join(option.choices))
    elif option.kind == "bool" and not isinstance(value, bool):
        raise _refusal(name, value, _("true or false"))
    elif option.kind == "text" and not (isinstance(value, str) and len(value) <= _LONGEST_TEXT):
        raise _refusal(
            name,
            value,
            _("a text of at most {longest_text} characters").format(longest_text=_LONGEST_TEXT),
        )
    elif option.kind == "names":
        _check_names(name, value)
    elif option.kind == "split":
        _check_split(name, value)


def _check_number(name: str, option: Option, value: object) -> None:
    allowed: tuple[type, ...] = (int, float)
    noun = _("a number")
    if option.kind == "int":
        allowed = (int,)
        noun = _("a whole number")
    number = isinstance(value, allowed) and not isinstance(value, bool)
    if not number or not option.low <= cast(float, value) <= option.high:
        raise _refusal(
            name,
            value,
            _("{noun} from {low:g} to {high:g}").format(
                noun=noun, low=option.low, high=option.high
            ),
        )


def _check_names(name: str, value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
        raise _refusal(name, value, _("names of columns"))
    if len(set(value)) != len(value):
        raise ConfigError(
            _("{name} names a column twice: {value}.").format(name=name, value=", ".join(value))
        )


def _check_split(name: str, value: object) -> None:
    takes = _(
        "a number of training windows (200), a share between 0 and 1 (0.7), or a date (2018-01-02)"
    )
    if isinstance(value, str):
        try:
            dt.date.fromisoformat(value)
        except ValueError:
            raise _refusal(name, value, takes) from None
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise _refusal(name, value, takes)
    else:
        count = isinstance(value, int) and value >= 1
        if not count and not 0 < value < 1:
            raise _refusal(name, value, takes)


def _refusal(name: str, value: object, takes: str) -> ConfigError:
    text = repr(value)
    if len(text) > _LONGEST_VALUE:
        text = f"{text[:_LONGEST_VALUE]}..."
    return ConfigError(
        _("{name} is {text}; it takes {takes}.").format(name=name, text=text, takes=takes)
    )
