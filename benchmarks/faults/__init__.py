"""What goes wrong in long runs, brought about on purpose: `python -m benchmarks.faults [names]`.

Each module of this folder is one fault. It has `def run(bench: Bench) -> Iterator[Line]` (see
`benchmarks.bench`): lines as in the table of costs, `ok=False` where a bound was missed. A string
in place of a `Line` is shown as it is; `measure.Failed` says that a command broke off.
`bench.quick` asks for a look in seconds; `bench.fresh("name")` gives a new folder, `bench.server`
is a server whose weather `bench.server.set(...)` changes.
"""
