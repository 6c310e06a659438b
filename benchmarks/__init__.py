"""
Measures: what the parts of the engine cost here, beside what the same bytes cost at least.

`python -m benchmarks` prints the table, `pytest benchmarks` runs the same cases under pytest-benchmark.
`docs/explanation/performance.md` says how to read both.
"""

import engine as engine
