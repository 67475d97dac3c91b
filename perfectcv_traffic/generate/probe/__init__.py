"""Probes: the requests that prove or refute a defect, and the judgement of their answers.

One idea a file, each importing only those above it:

    budget     when a run must stop
    choices    what can be asked for, and the defaults
    exchange   one probe sent: numbered, paced, repeated on 429
    curl       a request as a command line without secrets
    findings   findings and verdicts of a run, each once
    watch      what every answer is searched for: the credential sent, nulls that may not be
    drafting   the attempts at a valid request
    baseline   one request per operation that succeeds
    rungs      the credentials that must be refused
    refusal    what an answer to such a credential means
    roles      which operations a lower role must not reach
    ladder     every rung at one operation
    holes      the places of a request where a null is put
    nulls      one hole after another, crash, acceptance and slowness judged
    deletes    deletions, on objects of this run
    probing    a whole run
"""
