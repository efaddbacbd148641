"""`rapray failures`: what failed and why, and trying it again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from rapray.cli import state
from rapray.cli.options import OPERATE, Json
from rapray.cli.output import note, print_json, print_table
from rapray.errors import UsageError

commands = typer.Typer(
    name="failures", help="What failed, and trying it again.", no_args_is_help=True, rich_help_panel=OPERATE
)
Stage = Annotated[
    str | None,
    typer.Option(
        "--stage", help="collect, embed, analyze, or a stage inside one, e.g. collect/genius or analyze/qwen."
    ),
]
Keys = Annotated[
    list[str] | None, typer.Option("--key", help="A track's id, or a song's id at its source. Repeatable.")
]
_SHOWN_DETAIL = 100  # characters


@commands.command("list", epilog="Example: rapray failures list --stage analyze --all --json")
def list_(
    *,
    stage: Stage = None,
    key: Keys = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also list failures that are due again, not only dead letters.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    as_json: Json = False,
) -> None:
    """List failures, the latest first."""
    from rapray.store import failures

    with state.connected("rapray failures") as connection:
        letters = failures.list_(connection, stage=stage, keys=key, dead_only=not everything, limit=limit)
    if as_json:
        print_json([asdict(letter) for letter in letters])
        return
    rows = [
        (
            letter.stage,
            letter.key,
            letter.code,
            letter.attempts,
            "dead" if letter.is_dead else "due",
            letter.detail[:_SHOWN_DETAIL],
        )
        for letter in letters
    ]
    print_table(("stage", "key", "code", "attempts", "state", "detail"), rows)


@commands.command(epilog="Example: rapray failures retry --stage analyze/algorithmic")
def retry(
    *,
    stage: Stage = None,
    key: Keys = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter of every stage.")] = False,
    as_json: Json = False,
) -> None:
    """Make dead letters due again, with all their attempts; the next run of their job tries them."""
    from rapray.store import failures

    if stage is None and key is None and not everything:
        raise UsageError(reason="Say which dead letters to retry: use --stage, --key or --all.")
    with state.connected("rapray failures") as connection:
        revived = failures.retry(connection, stage=stage, keys=key)
    if as_json:
        print_json({"due_again": revived})
    else:
        note(f"{revived} due again.")
