"""`rapray llm`: whether a language model's provider answers, how, and how fast."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rapray.cli import state
from rapray.cli.options import OPERATE, Json
from rapray.cli.output import print_json, print_table
from rapray.errors import MissingExtra

UNREACHABLE = 4
commands = typer.Typer(
    name="llm",
    help="Language models behind APIs.",
    epilog="Example: rapray llm check ollama",
    no_args_is_help=True,
    rich_help_panel=OPERATE,
)


@commands.command(epilog="Example: rapray llm check qwen --json")
def check(
    provider: Annotated[
        str, typer.Argument(help="A provider of llm.providers: qwen, gemma, ollama, local …")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Ask a provider for its models and for one analysis of a short verse; exit 4 if it does not answer."""
    try:
        from rapray.analyzers.llm.check import check as run
    except ModuleNotFoundError as error:
        raise MissingExtra(feature="A language model", extra="llm") from error
    result = run(state.settings(), provider)
    if as_json:
        print_json(result)
    else:
        print_table(("step", "result"), _rows(result), title=f"{provider}: {result['model']}")
    if result["problem"] is not None:
        raise typer.Exit(UNREACHABLE)


def _rows(result: dict[str, Any]) -> list[tuple[str, object]]:
    is_cost_unknown = result["cost_usd"] is None and result["seconds"]
    rows = {
        "address": result["base_url"],
        "reachable": "yes" if result["is_reachable"] else "no",
        "models": _models(result),
        "answer": result["structured_output"],
        "latency of one token, s": result["latency_s"],
        "seconds of the answer": result["seconds"],
        "tokens a second": result["tokens_per_second"],
        "tokens in, out": f"{result['input_tokens']}, {result['output_tokens']}",
        "cost, USD": "not known" if is_cost_unknown else result["cost_usd"],
        "problem": result["problem"] and f"{result['problem']['detail']} ({result['problem']['code']})",
    }
    return [(name, value) for name, value in rows.items() if value not in (None, "None, None")]


def _models(result: dict[str, Any]) -> str | None:
    """Return the first models of the provider, and whether the configured one is missing."""
    names: list[str] | None = result["models"]
    if names is None:
        return "the API does not list them" if result["is_reachable"] else None
    missing = "" if result["is_model_listed"] else f" ({result['model']} is not among them)"
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "") + missing
