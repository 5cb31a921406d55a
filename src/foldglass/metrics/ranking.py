"""How well predicted qualities rank the models of a target.

Source of the definitions: the public evaluation code of GraphQA (Baldassarre et al. 2021), but for groups
that say nothing: they give NaN here, not a perfect score.
"""

import numpy as np
from jaxtyping import Float

Values = Float[np.ndarray, " M"]


def first_rank_loss(predicted: Values, true: Values) -> float:
    """Best true value less that of the model ranked first; NaN if all are predicted alike.

    Examples
    --------
    >>> import numpy as np
    >>> first_rank_loss(np.array([0.1, 0.9]), np.array([0.75, 0.5]))
    0.25
    """
    return float(true.max() - true[predicted.argmax()]) if np.ptp(predicted) > 0 else float("nan")


def best_of_five_loss(predicted: Values, true: Values) -> float:
    """Best true value less the best among the five models ranked first; NaN of fewer than six, or equal predictions.

    Examples
    --------
    >>> import numpy as np
    >>> best_of_five_loss(np.arange(6.0), -np.arange(6.0))
    1.0
    """
    if len(true) < 6 or np.ptp(predicted) == 0:
        return float("nan")
    return float(true.max() - true[np.argsort(-predicted, kind="stable")[:5]].max())


def first_rank_z(predicted: Values, true: Values) -> float:
    """z-score, among the true values, of the model ranked first; NaN if true or predicted values are all equal.

    Examples
    --------
    >>> import numpy as np
    >>> first_rank_z(np.array([0.1, 0.9]), np.array([0.25, 0.75]))
    1.0
    """
    spread = true.std()
    return (
        float((true[predicted.argmax()] - true.mean()) / spread)
        if spread > 1e-6 and np.ptp(predicted) > 0
        else float("nan")
    )
