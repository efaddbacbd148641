"""`rapray ml`: train and score rapray's own models."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rapray.cli import state
from rapray.cli.options import MODELS, Json
from rapray.cli.output import note, print_json, print_table
from rapray.errors import MissingExtra, UsageError

commands = typer.Typer(
    name="ml", help="Train and score rapray's own models.", no_args_is_help=True, rich_help_panel=MODELS
)


@commands.command(
    epilog="Example: rapray ml train-emotion --train train.tsv --dev dev.tsv --out model",
)
def train_emotion(
    *,
    train: Annotated[Path, typer.Option(help="Labelled sentences: text, label ids, id, split by tabs.")],
    dev: Annotated[Path, typer.Option(help="More sentences of the same form, to measure on.")],
    out: Annotated[Path, typer.Option(help="A folder for the weights and the model card.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same weights.")] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, max=100, help="Passes over the sentences.")] = None,
    about: Annotated[
        Path | None,
        typer.Option(help="Markdown for the card: what the sentences are, their licence, their limits."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train the built-in emotion model again; 43,000 sentences take one core about ten minutes."""
    from rapray.ml.labelled import read_labelled

    try:
        from rapray.ml.train_emotion import Recipe
        from rapray.ml.train_emotion import train_emotion as run
    except ModuleNotFoundError as missing:
        raise MissingExtra(feature="Training", extra="embeddings") from missing
    state.settings()
    recipe = Recipe(seed=seed) if epochs is None else Recipe(seed=seed, epochs=epochs)
    description = None if about is None else _text_of(about)
    report = run(read_labelled(train), read_labelled(dev), out, recipe, note, about=description)
    if as_json:
        print_json(asdict(report))
        return
    print_table(
        ("label", "F1", "calibration error"),
        [(label, score, report.calibration_error[label]) for label, score in report.f1.items()],
        title=f"macro-F1 {report.macro_f1} on {dev.name}",
    )
    note(f"wrote {out}, SHA-256 {report.sha256}")


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UsageError(reason=f"--about: {file} cannot be read: {error}") from error


@commands.command(epilog="Example: rapray ml eval-emotion dev.tsv --json")
def eval_emotion(
    file: Annotated[Path, typer.Argument(help="Labelled sentences: text, label ids, id, split by tabs.")],
    *,
    as_json: Json = False,
) -> None:
    """Score the configured emotion model on labelled sentences."""
    from rapray.analyzers.emotion_choice import load_emotion_model
    from rapray.ml.eval_emotion import eval_emotion as run
    from rapray.ml.labelled import read_labelled

    labelled = read_labelled(file)
    scores = run(load_emotion_model(state.settings().emotion), labelled)
    if as_json:
        print_json(scores)
        return
    print_table(
        ("label", "sentences", "F1", "calibration error"),
        [
            (label, int(scores["support"][label]), score, scores["calibration_error"][label])
            for label, score in scores["f1"].items()
        ],
        title=f"macro-F1 {scores['macro_f1']}, {scores['model']}@{scores['revision'][:8]}",
    )
