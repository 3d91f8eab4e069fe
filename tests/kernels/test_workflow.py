"""The workflow for GitHub is what GitHub takes, as far as that can be said without it."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
yaml = pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def workflow():
    return yaml.safe_load((ROOT / ".github" / "workflows" / "wheels.yml").read_text())


def test_jobs_need_jobs_that_are_there(workflow):
    jobs = workflow["jobs"]
    for name, job in jobs.items():
        needed = job.get("needs", [])
        assert set([needed] if isinstance(needed, str) else needed) <= jobs.keys(), name
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step), step
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[\w./-]+", step.get("uses", "a/b@c"))
    assert True in workflow  # YAML 1.1 reads `on` as true, and GitHub does not
    assert jobs["publish"]["needs"] == "check"
    assert set(jobs["check"]["needs"]) == {"wheels", "sdist"}


def test_only_publishing_has_rights(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    rights = {
        name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job
    }
    assert rights == {"publish": {"id-token": "write", "attestations": "write", "contents": "read"}}
    assert "secrets." not in (ROOT / ".github" / "workflows" / "wheels.yml").read_text()


def test_files_that_are_named_exist(workflow):
    runs = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]
    named = re.findall(r"(?:tests|packaging)/\w+\.py", " ".join([*runs, *settings["test-command"]]))
    assert len(named) == 3
    assert all((ROOT / name).is_file() for name in named)
