"""Runs DuckDB for the bench: one JSON request a line on stdin, one JSON reply a line on stdout."""

import json
import sys
import time

import duckdb


def text(cell):
    if cell is None:
        return None
    return repr(cell) if isinstance(cell, float) else str(cell)


def serve(database, threads):
    connection = duckdb.connect(database, config={"threads": threads})
    connection.execute("set enable_progress_bar = false")  # it would go to stdout, among the replies
    print(json.dumps({"version": duckdb.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            start = time.perf_counter()
            rows = connection.execute(request["sql"]).fetchall()
            nanoseconds = int((time.perf_counter() - start) * 1e9)
            reply = {"nanoseconds": nanoseconds, "rows": [[text(cell) for cell in row] for row in rows]}
        except Exception as error:  # whatever DuckDB raises is the bench's to report
            reply = {"error": str(error)}
        print(json.dumps(reply), flush=True)


serve(sys.argv[1], int(sys.argv[2]))
