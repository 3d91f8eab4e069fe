"""Several dimensions and conditions: vines of pair copulas, each of which is read by the network.

`variables` checks and ranks the columns, `copula` fits one pair, `changes` lets a pair change with
a condition, `conditioning` takes a condition out of columns, `order` and `dvine` join the pairs,
`discrete` counts what has few levels, `neighbours` and `directions` are other lower bounds, of
which `bounds` gives the largest, `estimate` is what users call, and `singles` the same for many
pairs of one condition.
"""
