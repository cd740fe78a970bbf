"""Labels as a layer of their own over the rows of a dataset version: given, compared, settled.

The data is never changed by a label. Who said what under which guideline is kept, with what they
said before; agreement is measured before labels are believed; and each row's final label says how
it came about. Nothing here touches the ledger, the vault, a terminal or a clock, and annotators are
opaque ids.

    guideline = read_guideline(toml)
    layer = LabelLayer("dataset:0190…@3", (guideline,)).add(labels)
    ratings = Ratings.of(layer)
    confidence_interval(ratings, krippendorff_alpha, seed=1)
    resolutions = apply_decisions(resolve_by_votes(ratings), decisions, guideline)
"""

from freehold.data.labelling._adjudication import (
    Decision,
    How,
    Resolution,
    adjudication_queue,
    apply_decisions,
    resolutions_frame,
    resolve_by_estimate,
    resolve_by_votes,
)
from freehold.data.labelling._agreement import (
    Weighting,
    cohen_kappa,
    confusion,
    fleiss_kappa,
    krippendorff_alpha,
    percent_agreement,
)
from freehold.data.labelling._annotators import (
    AnnotatorAgreement,
    Disagreement,
    agreement_by_annotator,
    hardest_rows,
)
from freehold.data.labelling._bootstrap import Interval, confidence_interval
from freehold.data.labelling._dawid_skene import AnnotatorQuality, Estimate, dawid_skene
from freehold.data.labelling._guideline import (
    AllowedLabel,
    Guideline,
    Scale,
    guideline_of,
    read_guideline,
)
from freehold.data.labelling._label import Label
from freehold.data.labelling._layer import LabelLayer
from freehold.data.labelling._layer_bytes import read_label_layer
from freehold.data.labelling._limits import DEFAULT_LABEL_LIMITS, LabelLimits
from freehold.data.labelling._ratings import Ratings
from freehold.data.labelling._sampling import (
    Measure,
    assign_rows,
    sample_rows,
    sample_stratified,
    sample_uncertain,
)
from freehold.data.labelling._session import Progress, Session
from freehold.data.labelling._table import read_labels_csv, write_labels_csv

__all__ = [
    "DEFAULT_LABEL_LIMITS",
    "AllowedLabel",
    "AnnotatorAgreement",
    "AnnotatorQuality",
    "Decision",
    "Disagreement",
    "Estimate",
    "Guideline",
    "How",
    "Interval",
    "Label",
    "LabelLayer",
    "LabelLimits",
    "Measure",
    "Progress",
    "Ratings",
    "Resolution",
    "Scale",
    "Session",
    "Weighting",
    "adjudication_queue",
    "agreement_by_annotator",
    "apply_decisions",
    "assign_rows",
    "cohen_kappa",
    "confidence_interval",
    "confusion",
    "dawid_skene",
    "fleiss_kappa",
    "guideline_of",
    "hardest_rows",
    "krippendorff_alpha",
    "percent_agreement",
    "read_guideline",
    "read_label_layer",
    "read_labels_csv",
    "resolutions_frame",
    "resolve_by_estimate",
    "resolve_by_votes",
    "sample_rows",
    "sample_stratified",
    "sample_uncertain",
    "write_labels_csv",
]
