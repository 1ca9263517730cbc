#!/usr/bin/env python3
"""Runs the job of a CI file that a page shows, as the service would: ci_run.py PAGE JOB PROJECT WORKSPACE KEPT

Commands run as they are written. What only the service has is stood in for: the checkout is a copy of PROJECT with new file
times at WORKSPACE, and the cache is the directory KEPT, from which and to which paths are copied. Every condition is that of a
push to the default branch. Exit status 1 when a command fails.
"""
import os
import re
import shutil
import subprocess
import sys

import yaml


def fail(text):
    sys.exit(f"ci_run: {text}")


def blocks(page):
    return [yaml.safe_load(text) for text in re.findall(r"^```yaml ci\n(.*?)^```$", open(page).read(), re.M | re.S)]


def check_out(project, workspace):
    shutil.rmtree(workspace, ignore_errors=True)
    shutil.copytree(project, workspace, copy_function=shutil.copyfile)
    # A compile has to begin after the clock tick of its inputs, as after a real checkout.
    first = os.path.join(workspace, ".tick")
    open(first, "w").close()
    began = os.stat(first).st_mtime_ns
    while os.stat(first).st_mtime_ns == began:
        open(first, "w").close()
    os.remove(first)


def copy(path, start, end):
    if os.path.isdir(os.path.join(start, path)):
        shutil.copytree(os.path.join(start, path), os.path.join(end, path), dirs_exist_ok=True)


def execute(command, workspace, env):
    print(f"+ {command.strip()}", flush=True)
    if subprocess.run(["bash", "-e", "-o", "pipefail", "-c", command], cwd=workspace, env=env, check=False).returncode != 0:
        fail(f"failed: {command.strip()}")


def github(job, project, workspace, kept):
    env = dict(os.environ, GITHUB_STEP_SUMMARY=os.path.join(kept, "summary.md"))
    for name, value in job.get("env", {}).items():
        env[name] = value.replace("${{ github.workspace }}", workspace)
    for step in job["steps"]:
        uses = step.get("uses", "").split("@")[0]
        if "run" in step:
            execute(step["run"], workspace, env)
        elif uses == "actions/checkout":
            check_out(project, workspace)
        elif uses == "actions/cache/restore":
            copy(step["with"]["path"], kept, workspace)
        elif uses == "actions/cache/save":
            copy(step["with"]["path"], workspace, kept)
        else:
            fail(f"nothing stands in for {uses}")


def gitlab(file, name, project, workspace, kept):
    job = dict(file[file[name]["extends"]] if "extends" in file[name] else {}, **file[name])
    env = dict(os.environ, CI_PROJECT_DIR=workspace)
    for key, value in file.get("variables", {}).items():
        env[key] = value.replace("$CI_PROJECT_DIR", workspace)
    check_out(project, workspace)
    policy = job["cache"].get("policy", "pull-push")
    for path in job["cache"]["paths"] if "pull" in policy else []:
        copy(path, kept, workspace)
    for command in job["script"]:
        execute(command, workspace, env)
    for path in job["cache"]["paths"] if "push" in policy else []:
        copy(path, workspace, kept)


def main():
    page, name, project, workspace, kept = sys.argv[1:]
    os.makedirs(kept, exist_ok=True)
    for file in blocks(page):
        if name in file.get("jobs", {}):
            return github(file["jobs"][name], project, workspace, kept)
        if name.startswith("gitlab:") and name[7:] in file:
            return gitlab(file, name[7:], project, workspace, kept)
    return fail(f"{page} has no job {name}")


main()
