# What a run on a SLURM cluster says before its first submission, and of submissions that fail.

from importlib.metadata import version
from threading import Event
from types import SimpleNamespace

from snakemake.iocontainers import ResourceList

from grids.runs import slurm

# CPU threads of a job of each kind, as its rules have it.
THREADS = {
    "prepare": 1,
    "describe": SETTINGS.execution.threads,
    "train": TRAINING_THREADS,
    "verify": SETTINGS.execution.threads,
}
KINDS = {
    kind: (SETTINGS.resources.requests(kind, attempt=1), THREADS[kind])
    for kind in SETTINGS.resources.kinds()
}

# What sbatch, or the executor in its place, said of submissions that failed.
REFUSALS = []


def print_requests():
    """What each kind of job asks of a cluster."""
    print("What a job asks for, by kind:", file=sys.stderr)
    for kind, (asked, threads) in KINDS.items():
        print(f"  {kind}:", *slurm.arguments(asked, threads), file=sys.stderr)


def groups_of(dag):
    """What the groups of jobs ask for that are known at the start of a run."""
    groups = {dag.get_job_group(job) for job in dag.needrun_jobs()} - {None}
    # Of a copy, since a group works it out once, and later it may be known better.
    return {
        f"group {group.groupid} of {len(group)} jobs (group-components)": (
            dict(copy.copy(group).resources.items()),
            copy.copy(group).threads,
        )
        for group in groups
    }


def check_requests(executor):
    """Ends the run, in SLURM's words, if it would not take the jobs."""
    kinds = {f"resources.{kind}": request for kind, request in KINDS.items()}
    try:
        slurm.check(kinds | groups_of(executor.dag))
    except InputError as error:
        sys.exit(f"error: {one_line(error)}")


def check_accounts(executor):
    """Ends the run if the executor itself would not submit for an account, given or guessed."""
    requests = {asked.get("slurm_account"): asked for asked, _ in KINDS.values()}
    for asked in requests.values():
        job = SimpleNamespace(resources=ResourceList(fromdict=asked))
        try:
            next(executor.get_account_arg(job))
        except (WorkflowError, OSError) as error:
            sys.exit(f"error: {one_line(error)}")


def one_line(said):
    return " ".join(str(said).split())


def print_refusals():
    """Once more, at the end of what Snakemake printed."""
    for refusal in dict.fromkeys(REFUSALS):
        print(f"error: {refusal}", file=sys.stderr)


def mend_executor():
    """Has the executor check before it submits, log beside the results, and say why it failed.

    In 2.8 the failing submission of a group of jobs is silent. Where sbatch refuses, its words go to
    Snakemake's GroupJob.log_error, which drops them. Where anything else fails (the account, the
    default partition while the controller is down) the handler in run_job asks the group for its
    `rule`, which a group has not: the handler fails itself, in a thread that nobody looks at, and
    Snakemake waits forever for a job that was never submitted.

    The thread that asks for the jobs begins before anything is checked, and what it says as the
    interpreter ends would be the last line of a run that was refused.
    """
    checks_passed = Event()
    begin = plugin.Executor.__post_init__
    ask_for_jobs = plugin.Executor._wait_thread
    submit = plugin.Executor.run_job
    hand_on = plugin.Executor._report_job_error_threadsafe

    def checked(executor, *arguments):
        settings = executor.workflow.executor_settings
        settings.logdir = settings.logdir or Path(RESULTS, "logs", "slurm")
        anything = len(executor.dag)
        if anything:
            check_requests(executor)
        begin(executor, *arguments)
        if anything:
            check_accounts(executor)
        checks_passed.set()

    def asking(executor):
        checks_passed.wait()
        ask_for_jobs(executor)

    def heard(executor, job_info, message):
        # Behind sbatch's words stands the whole command.
        words, _, _ = message.partition("\n    sbatch call:")
        REFUSALS.append(f"submitting {job_info.job.name}: {one_line(words)}")
        if job_info.job.is_group():
            executor.logger.error(REFUSALS[-1])
        hand_on(executor, job_info, message)

    def reported(executor, job):
        try:
            submit(executor, job)
        except AttributeError as error:
            executor._report_job_error_threadsafe(
                plugin.SubmittedJobInfo(job), str(error.__context__ or error)
            )

    plugin.Executor.__post_init__ = checked
    plugin.Executor._wait_thread = asking
    plugin.Executor.run_job = reported
    plugin.Executor._report_job_error_threadsafe = heard


if workflow.is_main_process and find_spec("snakemake_executor_plugin_slurm"):
    import snakemake_executor_plugin_slurm as plugin

    # What is mended here was read there; pyproject.toml asks for it.
    if version("snakemake-executor-plugin-slurm").startswith("2.8."):
        mend_executor()

# A dry run of what a cluster is to do: with a number of jobs instead of cores.
if workflow.resource_settings.nodes and workflow.output_settings.dryrun:
    print_requests()
