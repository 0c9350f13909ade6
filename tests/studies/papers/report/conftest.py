import pytest
from made.paper import PAPER, all_jobs

from celltype_cli.studies.papers.report import report


@pytest.fixture(scope="session")
def written(toy_runs, tmp_path_factory):
    """A quick report without the runs of the RNN."""
    found = {job: None if job.row.model == "rnn" else toy_runs[job.row.model, job.split] for job in all_jobs("quick")}
    folder = tmp_path_factory.mktemp("report")
    made = report.build(PAPER, found, extra=["dataset=cascade", "dataset.path=/my data"])
    report.write(made, folder)
    return made, folder
