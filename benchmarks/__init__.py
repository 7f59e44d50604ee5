"""Side-by-side measurements: our endpoint against what people would pick instead, on the same rows.

`python -m benchmarks` (`make bench`) starts one PostgreSQL, fills it, starts one server process a peer, makes sure that
all peers give the same answers, and then lets them take turns. A *peer* is a server that is compared, a *case* is an
operation that all of them serve, a *window* is a second or so in which one peer answers one case, a *round* is one
window of each peer.

- `cases/`: an operation a folder, in each peer's own words
- `limit/`, `handwritten/`, `postgraphile/`: the peers that are not ours
- `load`: the load generator, a process of its own; `generator` is its handle
- `peers`, `database`, `material`: what is started, and what requests are made of
- `run`: answers compared, rounds measured; `report`: the tables

What the figures mean, and what bounds them, is in docs/performance.md.
"""
