"""Several dimensions and conditions: vines of pair copulas, each of which is read by the network.

`variables` checks and ranks the columns, `copula` fits one pair, `changes` lets a pair change with
a condition, and `order` and `dvine` join the pairs. `condition` prepares what is given:
`conditioning` takes it out of columns, `effects` what is strong of it first, and `regression` the
trace that is left; `unseen` says how much dependence that hides. `discrete` counts what has few
levels, and `limits` knows what these tell at most. `directions` and `linear` make functions of
several columns, both by `canonical`, and `pairs.neighbours` looks at distances: lower bounds, of
which `bounds` gives the largest. `answers` adds up terms, `estimate` is what users call, and
`singles` the same for many pairs of one condition.
"""
