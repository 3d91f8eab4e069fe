"""Several dimensions and conditions: vines of pair copulas, each of which is read by the network.

`copula` fits one pair, `changes` lets a pair change with a condition, `conditioning` takes a
condition out of a variable, `dvine` joins the pairs, `neighbours` is the other lower bound where
there are few dimensions, and `estimate` is what users call.
"""
