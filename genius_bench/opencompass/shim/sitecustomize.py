"""Read by every Python process of OpenCompass: it shuffles which answer a judge sees first without a seed."""

import random

random.seed(0)
