"""Runs a peer for the bench: one JSON request a line on stdin, one JSON reply a line on stdout."""

import json
import sys
import time


class DuckDb:
    def __init__(self, directory, threads):
        import duckdb

        self.version = duckdb.__version__
        self.connection = duckdb.connect(f"{directory}/peer.duckdb", config={"threads": threads})
        self.connection.execute("set enable_progress_bar = false")  # it would go to stdout, among the replies

    def run(self, sql):
        return self.connection.execute(sql).fetchall()


class Chdb:
    def __init__(self, directory, threads):
        import chdb
        from chdb import session

        self.version = chdb.__version__
        self.session = session.Session(f"{directory}/chdb")
        self.session.query("create database bench")
        self.session.query("use bench")
        self.session.query(f"set max_threads = {threads}, max_insert_threads = {threads}")

    def run(self, sql):
        lines = str(self.session.query(sql, "JSONCompactEachRow")).splitlines()
        return [json.loads(line) for line in lines if line]


def text(cell):
    if cell is None:
        return None
    return repr(cell) if isinstance(cell, float) else str(cell)


def serve(peer):
    print(json.dumps({"version": peer.version}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            start = time.perf_counter()
            rows = peer.run(request["sql"])
            nanoseconds = int((time.perf_counter() - start) * 1e9)
            reply = {"nanoseconds": nanoseconds, "rows": [[text(cell) for cell in row] for row in rows]}
        except Exception as error:  # whatever the peer raises is the bench's to report
            reply = {"error": str(error)}
        print(json.dumps(reply), flush=True)


serve({"duckdb": DuckDb, "chdb": Chdb}[sys.argv[1]](sys.argv[2], int(sys.argv[3])))
