"""`lutsmith serve`: models that answer over HTTP."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lutsmith.ground.printable import printable


def serve(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL...", help="Model files. NAME=FILE answers as NAME, a file alone under its name."),
    ],
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port; 0 is one that is free.")] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="LUTSMITH_TOKEN", show_envvar=True,
            help="What clients have to send as 'Authorization: Bearer TOKEN'. The variable is not seen by others.",
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Load model files that change. SIGHUP always does.")
    ] = True,
    access_log: Annotated[bool, typer.Option("--access-log", help="A line of JSON on stderr for a request.")] = False,
    max_bytes: Annotated[int, typer.Option(metavar="N", help="Bytes of a request's body, at most.")] = 16 << 20,
    max_rows: Annotated[int, typer.Option(metavar="N", help="Rows of a request, at most.")] = 65_536,
    max_waiting: Annotated[int, typer.Option(metavar="N", help="Rows that wait for one model, at most.")] = 1 << 18,
    max_connections: Annotated[int, typer.Option(metavar="N", help="Open connections, at most.")] = 1024,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="From a whole request to its answer.")] = 30.0,
    read_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="In which the head of a request has to come, then its body.")
    ] = 15.0,
    batch_rows: Annotated[int, typer.Option(metavar="N", help="Rows predicted together, at most.")] = 8192,
    batch_ms: Annotated[
        float, typer.Option(metavar="MS", help="How long a batch waits for requests that are being read.")
    ] = 0.0,
) -> None:  # fmt: skip
    """Answer predictions of models over HTTP, until Ctrl-C or SIGTERM.

    POST rows to /models/NAME/predict; /openapi.json says what each model takes. Also: /models, /healthz, /readyz and
    /metrics. There is no encryption: put a proxy in front for that.
    """
    from lutsmith.serving import ServerLimits, application
    from lutsmith.serving import serve as run
    from lutsmith.serving.catalog import named_models

    limits = ServerLimits(
        max_bytes=max_bytes, max_rows=max_rows, max_waiting=max_waiting, max_connections=max_connections,
        timeout=timeout, read_timeout=read_timeout, batch_rows=batch_rows, batch_ms=batch_ms,
    )  # fmt: skip
    app = application(named_models(models), limits=limits, token=token, watch=watch, access_log=access_log)

    def ready(url: str) -> None:
        for name in app.catalog:
            sys.stdout.write(printable(f"{url}/models/{name}/predict") + "\n")
        sys.stdout.write(f"{url}/openapi.json\n")
        sys.stdout.flush()

    run(app, host=host, port=port, limits=limits, ready=ready)
