"""Feature selection for scikit-learn by mutual information.

    >>> from sklearn.feature_selection import SelectKBest
    >>> from infonet.sklearn import mutual_info_regression  # the only line that changes
    >>> SelectKBest(mutual_info_regression, k=20).fit(X, y)

`mutual_info_regression` and `mutual_info_classif` take the arguments of scikit-learn's functions of
the same names; `MutualInformationSelector` is a transformer that also selects by p-values.
"""

from infonet.errors import MissingExtraError

try:
    # The newest thing that is used: scikit-learn 1.6 is the oldest that has it.
    from sklearn.utils.validation import validate_data as _  # noqa: F401
except ImportError as error:
    raise MissingExtraError("infonet.sklearn", "infonet[sklearn]", str(error)) from error

from infonet.sklearn.functions import mutual_info_classif, mutual_info_regression
from infonet.sklearn.selector import MutualInformationSelector

__all__ = ["MutualInformationSelector", "mutual_info_classif", "mutual_info_regression"]
