"""Studies: three file formats of FLARE, one frozen value."""

from launcher.core.study.legacy import from_study_data, from_study_job_spec, study_job_spec_path
from launcher.core.study.model import RESERVED_ENV, Study, combine, refuse_both_formats
from launcher.core.study.runtime import from_study_runtime

__all__ = [
    "RESERVED_ENV",
    "Study",
    "combine",
    "from_study_data",
    "from_study_job_spec",
    "from_study_runtime",
    "refuse_both_formats",
    "study_job_spec_path",
]
