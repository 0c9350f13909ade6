"""What is known of each mouse dataset in the CASCADE ground truth (Rupprecht et al., Nat Neurosci 24:1324, 2021)."""

from __future__ import annotations

from typing import NamedTuple


class Origin(NamedTuple):
    """What a dataset folder holds; `basis` says how the cell type is known, "" as indicator that file names tell it."""

    label: str
    laboratory: str
    indicator: str
    preparation: str
    basis: str


ORIGINS = {
    "DS01-OGB1-m-V1": Origin("EXC", "Theis2016/Berens2018", "OGB-1", "in vivo", "presumed"),
    "DS02-OGB1-2-m-V1": Origin("EXC", "Kwan2012", "OGB-1", "in vivo", "author"),
    "DS03-Cal520-m-S1": Origin("EXC", "Tada2014/Kitamura", "Cal-520", "in vivo", "presumed"),
    "DS09-GCaMP6f-m-V1": Origin("EXC", "Chen2013", "GCaMP6f", "in vivo", "presumed"),
    "DS10-GCaMP6f-m-V1-neuropil-corrected": Origin("EXC", "Allen-Huang2021", "GCaMP6f", "in vivo", "genetic"),
    "DS11-GCaMP6f-m-V1-neuropil-corrected": Origin("EXC", "Allen-Huang2021", "GCaMP6f", "in vivo", "genetic"),
    "DS12-GCaMP6s-m-V1-neuropil-corrected": Origin("EXC", "Allen-Huang2021", "GCaMP6s", "in vivo", "genetic"),
    "DS13-GCaMP6s-m-V1-neuropil-corrected": Origin("EXC", "Allen-Huang2021", "GCaMP6s", "in vivo", "genetic"),
    "DS14-GCaMP6s-m-V1": Origin("EXC", "Chen2013", "GCaMP6s", "in vivo", "presumed"),
    "DS15-GCaMP6s-m-V1": Origin("EXC", "Theis2016/Berens2018", "GCaMP6s", "in vivo", "presumed"),
    "DS16-GCaMP6s-m-V1": Origin("EXC", "Theis2016/Berens2018", "GCaMP6s", "in vivo", "presumed"),
    "DS17-GCaMP5k-m-V1": Origin("EXC", "Akerboom2012", "GCaMP5k", "in vivo", "presumed"),
    "DS18-R-CaMP-m-CA3": Origin("EXC", "Schoenfeld2021", "R-CaMP1.07", "in vivo", "author"),
    "DS19-R-CaMP-m-S1": Origin("EXC", "Bethge2017", "R-CaMP1.07", "in vivo", "presumed"),
    "DS20-jRCaMP1a-m-V1": Origin("EXC", "Dana2016", "jRCaMP1a", "in vivo", "presumed"),
    "DS21-jGECO1a-m-V1": Origin("EXC", "Dana2016", "jRGECO1a", "in vivo", "presumed"),
    "DS22-OGB1-m-SST-V1": Origin("SST", "Kwan2012", "OGB-1", "in vivo", "genetic"),
    "DS23-OGB1-m-PV-V1": Origin("PV", "Kwan2012", "OGB-1", "in vivo", "genetic"),
    "DS24-GCaMP6f-m-PV-V1": Origin("PV", "Khan2018", "GCaMP6f", "slice", "genetic"),
    "DS25-GCaMP6f-m-SST-V1": Origin("SST", "Khan2018", "GCaMP6f", "slice", "genetic"),
    "DS26-GCaMP6f-m-VIP-V1": Origin("VIP", "Khan2018", "GCaMP6f", "slice", "genetic"),
    "DS27-GCaMP6f-m-PV-vivo-V1": Origin("PV", "Rupprecht2021-Hofer", "GCaMP6f", "in vivo", "genetic"),
    "DS28-XCaMPgf-m-V1": Origin("EXC", "Zhang2023", "XCaMPgf", "in vivo", "author"),
    "DS29-GCaMP7f-m-V1": Origin("EXC", "Zhang2023", "jGCaMP7f", "in vivo", "author"),
    "DS30-GCaMP8f-m-V1": Origin("EXC", "Zhang2023", "jGCaMP8f", "in vivo", "author"),
    "DS31-GCaMP8m-m-V1": Origin("EXC", "Zhang2023", "jGCaMP8m", "in vivo", "author"),
    "DS32-GCaMP8s-m-V1": Origin("EXC", "Zhang2023", "jGCaMP8s", "in vivo", "author"),
    # Fast-spiking by the shape and rate of their spikes, not marked by parvalbumin.
    "DS33-Interneurons2023-m-V1": Origin("PV", "Zhang2023", "", "in vivo", "putative"),
}
