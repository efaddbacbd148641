"""`rapray llm`: whether a provider of a language model answers, how, and how fast."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rapray.cli import state
from rapray.cli.output import print_json, print_table
from rapray.errors import MissingExtra

UNREACHABLE = 4
commands = typer.Typer(
    no_args_is_help=True, help="Language models behind APIs.", epilog="Example: rapray llm check ollama"
)


def add_to(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.add_typer(commands, name="llm", rich_help_panel="Operate")


@commands.command(epilog="Example: rapray llm check qwen --json")
def check(
    provider: Annotated[
        str, typer.Argument(help="A provider of llm.providers: qwen, gemma, ollama, local …")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask a provider for its models and for one analysis of a short verse; exit 4 where it does not answer."""
    try:
        from rapray.analyzers.llm.check import check as run
    except ModuleNotFoundError as error:
        raise MissingExtra(feature="A language model", extra="llm") from error
    found = run(state.settings(), provider)
    if as_json:
        print_json(found)
    else:
        print_table(("step", "found"), _rows(found), title=f"{provider}: {found['model']}")
    if found["problem"] is not None:
        raise typer.Exit(UNREACHABLE)


def _rows(found: dict[str, Any]) -> list[tuple[str, object]]:
    shown = {
        "address": found["base_url"],
        "reachable": "yes" if found["is_reachable"] else "no",
        "models": _listed(found),
        "answer": found["structured_output"],
        "latency of one token, s": found["latency_s"],
        "seconds of the answer": found["seconds"],
        "tokens a second": found["tokens_per_second"],
        "tokens in, out": f"{found['input_tokens']}, {found['output_tokens']}",
        "cost, USD": "not known" if found["cost_usd"] is None and found["seconds"] else found["cost_usd"],
        "problem": found["problem"] and f"{found['problem']['detail']} ({found['problem']['code']})",
    }
    return [(name, value) for name, value in shown.items() if value not in (None, "None, None")]


def _listed(found: dict[str, Any]) -> str | None:
    """The first few of the models, and whether the one that is set is missing; or that there is no list."""
    names: list[str] | None = found["models"]
    if names is None:
        return "the API does not say" if found["is_reachable"] else None
    unknown = "" if found["is_model_listed"] else f" ({found['model']} is not among them)"
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "") + unknown
