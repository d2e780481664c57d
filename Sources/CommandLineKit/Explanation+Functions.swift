extension Explanation {
    /// What functions, triggers and the dashboard answer.
    static let functions = """
        function_not_found
        No live worker serves the function in that namespace.
        > List what is served with `iii functions`; start its worker, or name its namespace.

        invocation_failed
        The function threw.
        > Read the message and the stack trace, and what its worker has logged (`iii logs`).

        invocation_error
        A call asks for an action that there is not; or what is sent with it, or answers it, lacks
        a member, has one of another kind, is nested too deep or holds a number that not every SDK
        can read.
        > Take "enqueue" or "void", or none to wait for the result; send such a number as a string.

        invocation_stopped
        The worker that ran the function went away before it answered, or the engine was stopped
        and its time was over.
        > Call again where that does no harm; what came from a queue is delivered again by itself.

        invocation_timeout TIMEOUT
        No answer came in time. The function may still run.
        > Give it longer (--timeout, `[engine] invocation_timeout`), or put the call into a queue.

        lease_expired
        A worker was silent about a message for as long as `[queue] lease` says; it is delivered
        again.
        > See what keeps the worker, or set the lease above the longest run.

        payload_too_large
        What was sent cannot be recorded: a call, a message of a queue, a value or an event has at
        most 16,711,680 bytes of JSON (16 MiB without 64 KiB; less where `[log] segment_bytes` is
        less than 17 MiB). Or its receiver's SDK cannot take so much in a message: of an answer, the
        message says whether nothing was written, or the call was carried out. Or what a list asks
        for is more than any message holds, which is 64 MiB.
        > Send less, or send large content through a channel (`engine::channels::create`); for a
        list, ask for pages (`state::entries`, `stream::entries`).

        answer_dropped
        The call was carried out, or failed, as the message says, and its answer is dropped: the
        caller leaves too much of what it is sent unread.
        > Have it read, and make fewer calls at a time that have large answers.

        deserialization_error
        The input does not have the shape that the function asks for.
        > Correct what the message names.

        INVALID_ARGUMENTS
        The input has the right shape and says something that cannot be done.
        > Correct what the message names.

        INVALID_NAMESPACE
        A namespace is blank, or is not one.
        > Leave it out for the default one, or give a name.

        FORBIDDEN
        The rules of the listener do not let this worker call, register or see that.
        > Call what is allowed, or change the rules in `[engine.rbac]`.

        FUNCTION_NAMESPACE_CONFLICT
        Another live worker has the function, and `duplicate_functions` is "reject"; or the engine
        has it itself; or its id is longer than 4096 bytes, or its worker has 10,000 registrations.
        > Stop the other worker, take another id, or set duplicate_functions = "balance".

        WORKER_NAMESPACE_CONFLICT
        Another live worker has this name in the namespace.
        > Stop it, or choose another name.

        MALFORMED_ID
        What was given is no receipt, no trace, no invocation and no place in the log.
        > Give what the enqueue answered, or what `iii queue peek` and `iii queue dlq` list.

        NOT_FOUND
        There is no such thing: a route, a worker, a trigger, a job, an entry, a trace, a message.
        > List what there is; the message says by which function or command.

        ALREADY_RUNNING
        The cron job runs, and does not run beside itself.
        > Ask again when it has ended (`iii cron ls`), or register it with overlap "allow".

        AMBIGUOUS
        The name means several cron jobs, or the digits several traces.
        > Name a job by its trigger's id, a trace by its whole id; the message lists them.

        BUSY
        So many ask already that this one is not taken; or the worker that would run the function
        leaves too much of what it is sent unread, and was not called.
        > Ask again a moment later.

        REPLAY_UNSUPPORTED
        No worker that serves the function can replay it: what it calls could not be told from other
        work.
        > Run its worker with iii-sdk 0.25 or newer on the engine's own address, with observers on.

        REPLAY_UNATTRIBUTED
        A worker that runs a replay has made a call that names neither a trace nor a caller.
        > Call in the handler's own context; other work of the worker can call again afterwards.

        REPLAY_UNRECORDED
        A function that is run again has called what it did not call in the log, or what the log has
        no answer of.
        > Read what differs: `iii-log replay ID --against ADDRESS --diff`.

        REPLAY_OVER
        What a replayed function calls is answered no more: the replay has ended.
        > Nothing is to be done: what belongs to a replay is never done.

        STORAGE_FULL
        The disk under the log is full: no new work is taken; what is under way goes on.
        > Make room on the disk of the data directory. Work is taken again by itself.

        SHUTTING_DOWN
        The engine is stopping and takes no new work.
        > Ask again once it has been started.

        RECOVERING
        The engine is reading its log.
        > Ask again soon; `/readyz` says when it is ready.

        record_unreadable
        A record that the answer needs cannot be read back from the log.
        > Check the log with `iii-log verify`, and the disk.

        read_refused
        The disk refused to give a record that is needed, or the engine had no file descriptor left
        to read it by. Nothing is known to be lost.
        > Ask again a moment later. Where that does not help, see what the engine's output and that
        of the kernel (`dmesg`) say of the disk, and check the log with `iii-log verify`.

        TOO_LARGE
        The answer is larger than is sent here.
        > Ask for less, or read it with `iii-log`.

        TOO_MANY_CHANNELS
        There are as many channels as may be.
        > Read channels to their ends; one with a missing end is over after five minutes.

        trigger_registration_failed
        A trigger was refused by the engine, or by the worker that provides its type; or its worker
        has 10,000 registrations.
        > Correct the configuration of the trigger as the message says.

        unregister_failed
        The trigger belongs to another worker.
        > Have that worker take it back.

        enqueue_error
        The queue refused the message.
        > Read the message: there is no such queue (`iii queue define` makes one), or the payload
        lacks the field that names its group in a FIFO queue.

        queue_of_subscription
        `queue::define` was given the name of a subscription's queue, whose settings are those of
        its trigger.
        > Change the configuration of the trigger, or give the queue another name.

        queue_not_set topic_required topic_not_set message_id_not_set
        The input lacks the queue, the topic or the message that it is about.
        > Name it in the input.

        SET_ERROR GET_ERROR DELETE_ERROR LIST_ERROR LIST_GROUPS_ERROR UPDATE_ERROR ENTRIES_ERROR \
        GET_MANY_ERROR TRANSACT_ERROR HISTORY_ERROR CHANGES_ERROR
        A function of the state refused its input: a scope, a key, a bound or an operation.
        > Correct what the message names.

        STREAM_SET_ERROR STREAM_GET_ERROR STREAM_DELETE_ERROR STREAM_UPDATE_ERROR \
        STREAM_GET_GROUP_ERROR STREAM_ENTRIES_ERROR STREAM_LIST_GROUPS_ERROR STREAM_LIST_ALL_ERROR \
        STREAM_SEND_ERROR STREAM_PRESENCE_ERROR
        A function of streams refused its input, or the worker that keeps the stream failed.
        > Correct what the message names, or see what that worker has logged.

        STREAM_KEPT_BY_WORKER
        `stream::entries` was asked for a stream whose items a worker keeps itself: the engine has
        none of them.
        > Ask `stream::list`, which that worker answers.

        VALUE_TOO_LARGE
        A value would be larger than can be recorded, or than `[state] max_value_bytes` allows.
        > Keep less under one key, or set the bound higher.

        JSON_ERROR
        A worker that keeps a stream itself answered something that is no answer.
        > Correct the function of that worker that the message names.

        UNKNOWN_OFFSET
        The log does not hold that offset.
        > Ask for an offset that a revision, a history or `iii-log ls` shows.

        not_number
        An increment meets what is no number, or the sum would not fit 64 bits.
        > Set the member to a number first.

        target_not_object
        An operation with a path meets a value that is no object.
        > Set the value to an object first, or leave the path out.

        type_mismatch
        What is appended does not fit what it is appended to.
        > Append to an array, or a string to a string.

        path.too_deep path.empty_segment path.segment_too_long path.proto_polluted
        The path of an operation has too many keys, or one that is empty, too long or not allowed.
        > Take another path; the message names the key and the bound.

        value.not_an_object value.too_many_keys value.too_deep value.proto_polluted
        What is merged is no object, has too many keys or levels, or a key that is not allowed.
        > Merge something else; the message names the bound.

        CONDITION_NOT_MET
        The condition of the trigger answered false: the function was not run.
        > Nothing is to be done, if that was meant; else see the condition's function.

        ROUTE_NOT_READY
        The engine has just started, and the worker that served this route is not back yet.
        > Send it again a second later; `[http] reconnect_grace` is how long workers are waited for.

        MIDDLEWARE_TIMEOUT
        A middleware function did not answer in time.
        > See what keeps its worker, or give it longer by `[http] middleware_timeout`.

        IDEMPOTENCY_KEY_INVALID
        The Idempotency-Key is not 1 to 255 visible ASCII characters without quotes, or is given
        twice.
        > Send one such key.

        IDEMPOTENCY_KEY_REUSED
        Another request had this Idempotency-Key.
        > Take a new key for each request, and the same one for repetitions only.

        IDEMPOTENT_RESPONSE_NOT_KEPT
        The request with this key was carried out, or may have been: it failed after its client
        had left. Its response is not kept.
        > Look at what it did; do not send it again under another key.

        IDEMPOTENCY_KEYS_EXHAUSTED
        Too many requests with an Idempotency-Key are under way.
        > Send it again a moment later, with the same key.

        response_headers_too_large
        A function wrote more response headers into its channel than are taken.
        > Set fewer or shorter ones.

        response_status_invalid
        A function answered a request with a status from 100 to 199, which ends none.
        > Return a `status_code` from 200 on.

        url_validation_failed
        The URL that a function is invoked by is not allowed, or its host has no address.
        > Correct the URL, or allow it in `[http_functions]`.

        secret_not_found token_not_found api_key_not_found
        A function by HTTP wants to carry a secret that is not set, or that its host may not see.
        > Set the variable, and name it in `[http_functions] secrets`.

        http_request_failed
        A function by HTTP could not be reached.
        > See whether its server runs and answers; the message says how far it came.

        http_response_failed
        The server of a function by HTTP began a response and did not end it.
        > See what its server has logged.

        http_error
        The server of a function by HTTP answered with an error.
        > See what its server has logged.

        invalid_response
        The server of a function by HTTP answered something that is no JSON.
        > Have it answer JSON, or nothing.

        NOT_REGISTERED
        There is no configuration entry of that id.
        > Register it with `configuration::register`; `configuration::list` names those that are.

        SCHEMA_INVALID
        A schema is not one, or a value is not what the entry's schema wants.
        > Correct what the message names.

        SCHEMA_UNAVAILABLE
        The entry has a value and no schema to hold a new one against.
        > Register it with a schema.

        INVALID_ID
        A configuration entry's id is not 1 to 64 of a-z, 0-9, _ and -.
        > Take another id.

        ADAPTER_ERROR
        There are as many configuration entries as may be, or one would be too large.
        > Remove some, or keep less in it.

        EXPAND_FAILED
        The entry's value has a ${NAME} in it that means nothing here.
        > Set the variable in the engine's environment, or write ${NAME:default}.

        memory_exporter_not_enabled
        The engine keeps no spans.
        > Set `[observability] exporter` to "memory" or "both", and `tracing` to true.

        time_value_overflow
        A time is too far off to be told in nanoseconds.
        > Take one within 292 years of 1970.

        INVALID_ARGS
        What an observer asks for has a wrong value, or arguments that the owner does not take; or
        its worker has 10,000 registrations.
        > Correct what the message names.

        INVALID_FILTER INVALID_FILTER_PATH
        An observer's filter is not one, or looks at what its events do not have.
        > Correct the filter as the message says.

        NOT_OBSERVABLE
        The function does not let itself be observed.
        > Observe another one, or have its worker allow it.

        NO_OWNER NO_TARGET OWNER_PENDING
        An observer waits: for the observed function, for the one that it runs, or for the owner.
        > Start the worker that serves the function; the observer goes on by itself.

        OWNER_TIMEOUT
        The worker of an observed function did not say in time whether it takes the observer.
        > See what keeps that worker.

        OBSERVER_ID_IN_USE
        Another worker observes something else under this id.
        > Take another id.

        OBSERVER_NOT_ACTIVE
        The observer is over, or waits for somebody.
        > See what its state says; observe anew if it is over.

        MAX_FIRES EXPIRED
        The observer is over: it has fired `max_fires` times, or its `expires_in_ms` have passed.
        > Observe anew for more.

        OBSERVE_DEPTH OBSERVE_BUDGET
        Observers run observers: the chain is too long, or one event has led to too many runs.
        > Break the circle with a filter.

        OBSERVER_BUSY
        Too many activations of the observer wait already.
        > Raise its `max_in_flight`, or make its target faster.

        BAD_REQUEST
        The request is not HTTP, could be read in two ways, or asks the dashboard's API for
        something that is no question.
        > Correct what the message names.

        BODY_TOO_LARGE
        A request's body is larger than `[http] body_limit`, and is JSON or has an Idempotency-Key.
        > Send less, or set the limit higher. Any other body is streamed, and has no limit.

        HEADERS_TOO_LARGE TARGET_TOO_LONG
        A request's headers, or its path and query, are larger than they may be.
        > Send fewer or smaller ones; `[http] header_limit` and `header_count` can be set higher.

        REQUEST_TIMEOUT
        A request's head or body did not come in time.
        > Send it faster; `[http] header_timeout` and `body_timeout` can be set higher.

        EXPECTATION_FAILED NOT_IMPLEMENTED
        The request expects something, or has a method, that the engine does not know.
        > Leave the header Expect out; take a method that routes may have.

        UNKNOWN_HOST FOREIGN_ORIGIN
        The dashboard was asked under another name, or by a page of somebody else.
        > Open it by its address, or add the name to `[observability] dashboard_hosts`.

        UNAUTHORIZED
        The dashboard asks peers beyond this machine for the token.
        > Open /?token=TOKEN, or send Authorization: Bearer TOKEN or ?token=TOKEN.

        CSRF NOT_JSON
        A change came to the dashboard without the header X-III-Request: 1, or not as JSON.
        > Send that header, and Content-Type: application/json.

        METHOD_NOT_ALLOWED
        The path is there, and takes other methods.
        > Take one that the header Allow lists.

        NO_WEBSOCKET
        The request asks for a WebSocket in a way that cannot be one.
        > Follow what the message says (RFC 6455, section 4.1).

        READ_ONLY
        `[observability] dashboard_read_only` is set.
        > Make the change with `iii`, or take the setting out.
        """
}
