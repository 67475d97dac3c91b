"""Test traffic: OpenAPI document → operations → scenarios → requests → outcomes → findings.

One idea a file, each importing only those above it:

    openapi      a document: read from bytes, its `$ref`s followed
    schemas      one schema seen flat: references followed, `allOf` merged
    formats      a text for each string format
    patterns     a text that a regular expression matches
    scalars      the simplest text, number or integer within limits
    ranges       pairs of a lower and an upper bound, put in order
    values       a valid value for a schema
    security     the document's security schemes, and what an operation requires of them
    operations   its operations with their parameters and bodies
    selection    which operations may be called: methods, risk, patterns
    fitting      whether a value may be one of a schema
    nullability  where a schema allows null, and which nulls of an answer it forbids
    credentials  the secrets of a run
    forge        tokens that must be refused: expired, unsigned, signed with another key
    presenting   what each security scheme is presented with: nothing, the right secret, a wrong one
    draft        a valid request before ids and credentials
    places       where a request is changed, and what is put there
    scenarios    the table: what is changed in a valid request, and what must come back
    producers    which operations answer with ids that others need
    own          the account of the run's own credential: changed with care
    plan         operations x scenarios in a seeded order, as an endless sequence
    ids          identifiers harvested from answers
    encoding     a draft as the request that goes out
    marks        the headers by which a run's requests are told apart
    reading      one HTTP/1.1 answer while it arrives
    wire         connections that carry one exchange after the other
    transport    the wire below httpx
    answer       what came back of one request, whichever client sent it
    send         one exchange over httpx: an answer, or the reason why there is none
    rapid        the same over the bare wire, for traffic
    outcome      what came back, against what was expected
    session      what is known of a run afterwards
    latency      response times with exact percentiles
    pace         when the next request may start: after a delay, or at a constant rate
    loops        when requests are sent: after an answer, or when they are due
    traffic      planned requests as they are sent
    replay       requests that stand as they are, sent again
    target       the base URL under test, and which hosts may be spoken to
    setup_sender the marked requests that prepare a run
    load         find and fetch the document
    login        exchange user name and password for a token
    servers      the base URL that a document's paths hang under
    defaults     what it does unless it is told
    options      everything a run can be told
    vegeta       requests as JSON lines in vegeta's shape
    from_log     requests of `api_traffic.log`, to be sent again
    prepare      everything a run needs before its first request
    outline      the requests of a traffic run, made and not sent
    run          the entry to traffic: `generate` and `run`
    probe/       the requests that prove or refute a defect, and their judgement
    find         the entry to finding defects: `find` and `plan`
    accepted     findings that were accepted earlier
"""
