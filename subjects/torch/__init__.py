"""torch: every default initialisation, `torch.nn.init`, norms, clipping and gains, as rows."""

from varlaw.subjects.subject import Subject
from varlaw.subjects.torch.clipping import CLIPPERS
from varlaw.subjects.torch.init import GAINS, INITIALISERS
from varlaw.subjects.torch.layers import LAYERS
from varlaw.subjects.torch.norms import NORMS

SUBJECTS: tuple[Subject, ...] = (*INITIALISERS, *GAINS, *LAYERS, *NORMS, *CLIPPERS)
