extension Explanation {
    /// Exit statuses, as scripts see them.
    static let statuses = """
        0
        Done.
        > Nothing is to be done.

        1
        The function, or the operation, failed; the error on standard error says why.
        > Look the error's own code up, or read what the function has logged with `iii logs`.

        2
        The arguments make no sense.
        > Read the usage below the error, or `iii help COMMAND`.

        3
        The engine cannot be reached, or does not want this client now.
        > Start it with `iii`, or name its address with --engine or III_URL.

        4
        There is no such function, key, queue, message, job, trace or code.
        > List what there is: `iii functions`, `iii state ls`, `iii queue ls`, `iii cron ls`.

        5
        No answer came in time. The function may still run.
        > Give it longer with --timeout, or put the call into a queue with --enqueue.

        65
        Bytes on the disk contradict their checksums or their neighbours. Nothing was changed.
        > List every damage with `iii-log verify`; then restore a backup, or see `iii-log recover`.

        70
        The program itself is at fault.
        > Report it, with its output and the command that led to it.

        74
        The disk failed, a file could not be read or written, or output could not be.
        > Look after the disk, its room and the permissions; then start the engine again.

        75
        Another engine holds the data directory.
        > Stop that engine, or give this one another directory with --data.

        77
        The engine does not let this client in, or do that.
        > Give the token (III_TOKEN), ask for what is allowed, or change the rules (`rbac`).

        78
        The configuration is wrong, an address is taken, or a directory is not an engine's.
        > Read the error: it names the setting. `iii check` and `iii doctor` try without starting.
        """

    /// Errors of `iii` and of the start of an engine.
    static let programs = """
        usage
        The arguments make no sense.
        > Read the usage below the error, or `iii help COMMAND`.

        usage.payload
        What was given as a function's payload is neither JSON nor key=value.
        > Write --json '{"key": "value"}', --json - for standard input, or key=value, each key once.

        internal
        Something happened that the program does not know how to deal with.
        > Report it, with the command that led to it.

        output.not_written
        All was done, and what there was to say could not be written to standard output.
        > Look after the room where the output goes, and run the command again.

        explain.unknown_code
        No program of this project gives an error that code.
        > Look at those that the error names. A function's own code is explained by who wrote it.

        queue.not_purged
        Nothing was dropped: the question was not answered with yes.
        > Answer yes, or say --yes with the command.

        init.exists
        A file that `iii init` would write is there already. Nothing was written.
        > Name another directory, or move the file away.

        init.not_written
        The directory or a file that `iii init` writes could not be made.
        > Look after permissions and room, remove what was written, and try again.

        config.file
        The configuration file does not exist, or cannot be read as text.
        > Correct the path behind --config, or the file's permissions.

        config.writable
        Everybody on this machine may write the configuration file, and so decide what runs here.
        > Take that right away: chmod o-w FILE. Where modes cannot be changed, move the file.

        config.syntax
        The configuration file is not TOML (or YAML), or a --set is not section.key=value.
        > Correct the line that the error names.

        config.unset_variable
        The file has ${NAME} in it, and the environment has no variable NAME.
        > Set the variable, or write ${NAME:default}.

        config.unknown_key
        There is no such setting.
        > Take the key that the error proposes; `iii check` lists them all.

        config.type
        A setting has a value of another type than it takes.
        > Write what the error asks for: a number, a text in quotes, true or false, a list.

        config.value
        A setting has a value that is not allowed.
        > Take one that the error names. `iii check` shows what is in force.

        config.conflict
        Two settings exclude each other, as two addresses on one port do, or one needs another.
        > Remove or change one of the two that the error names, or add what is missing.

        config.unsupported
        A setting asks for what this version does not do, and to ignore it would be unsafe.
        > Remove the setting, and make sure that nothing relies on it.

        security.token
        The file of the token cannot be read or made, or holds none.
        > Look at the path in `security.token_file`, and at the file's permissions.

        http.tls_certificate
        The certificate or its key cannot be used for TLS.
        > Look at `http.tls_certificate` and `http.tls_key`: PEM files that belong together.

        http_functions.ca_file
        The certificates that functions over HTTPS are checked by cannot be read.
        > Look at `http_functions.ca_file`: a PEM file.

        listen.failed
        The engine cannot listen on an address: it is taken, not this machine's, or not permitted.
        > Stop whoever has it (`ss -ltnp` tells), or change the setting that the error names.

        ports_file
        The file behind --ports-file cannot be written. Where its disk is full, the engine warns
        and goes on without it.
        > Name a path in a directory that may be written to.

        data.in_use
        Another engine holds the data directory: one directory, one engine.
        > Stop that engine, or give this one another directory with --data.

        data.not_ours
        The directory holds something that no engine put there, or another version did. Nothing was
        touched.
        > Name an empty or a new directory, or use the version of the engine that wrote it.

        data.not_private
        Others could change what is in the data directory, or could have: it is another user's, or
        everybody may write it or a part of the log in it. Nothing was touched.
        > See that all in it is the engine's, then give it to its user (chown, chmod -R o-w).

        log.io_uring
        The kernel does not let this process use io_uring, and `log.io` says that it must.
        > Set log.io to "auto" or "plain"; in a container its seccomp profile may forbid io_uring.

        log.storage
        The disk under the log failed, or the data directory cannot be written to. Everything that
        was acknowledged is on the disk.
        > Look after the disk (`dmesg`), its room and the permissions; then start the engine again.

        log.not_closed
        The engine was stopped, and the disk had not taken what was under way in time. Everything
        that was acknowledged is on the disk; the rest is as after a crash.
        > Look after the disk (`dmesg`) and its room; then start the engine again.

        process.no_thread
        The system gives the engine no further thread.
        > Raise the limit: ulimit -u, TasksMax= of systemd, --pids-limit of docker.

        process.file_limit
        The process may have too few file descriptors for the log and any connections.
        > Raise the hard limit: ulimit -Hn, LimitNOFILE= of systemd, --ulimit nofile= of docker.

        log.refused
        A record does not fit the log as it is laid out.
        > Set log.segment_bytes higher; if that is as it was, report it.

        log.undecodable
        A record is intact and means nothing to this version.
        > Use the version of the engine that wrote it, or a newer one.

        state.not_found
        There is no such key in that scope.
        > List the keys with `iii state ls SCOPE`.

        state.conflict
        The key is at another revision than --if-revision says. Nothing was written.
        > Read the key again with `iii state get --revision`, and decide anew.

        cannot_connect
        The engine could not be reached, or does not want this worker.
        > See whether it runs and listens there; name it with --engine or III_URL.

        invalid_address
        The engine's address is not of the form ws://HOST:PORT.
        > Correct --engine, III_URL or III_STREAM_URL.

        connection_lost
        The connection ended before the answer came. The function may have run.
        > Ask again where that does no harm; `iii-log replay` tells what has happened.

        channel_closed
        The other end of a channel is gone, or this end is somebody else's.
        > Make a new channel; each end has one owner.

        too_many_waiting
        A worker has been offline for so long that no more of its calls are kept for later.
        > See why the engine cannot be reached, and call again.

        cancelled
        The task that waited for the answer was cancelled. The function may still run.
        > Nothing is to be done, if that was meant.

        serialization_error
        A value of the worker's cannot be written as JSON.
        > Send another value; NaN and infinities have no JSON.

        unauthorized
        The engine does not let this client in, or this subscriber join the group.
        > Give the token as III_TOKEN or by ws://HOST:PORT/?token=TOKEN; else see what the auth
        function of the listener or of `[stream]`, or of a `stream:join` trigger, says of it.

        SHUTDOWN
        The worker was closed, and its open calls with it.
        > Call from a worker that runs.

        UNKNOWN
        The other side said that something failed, and gave no code.
        > Read the message, and what the function's worker has logged.

        trigger_type_not_found
        A trigger came to a worker that does not serve its type.
        > Have the type provided by a worker that serves it (`register_trigger_type`).
        """

    /// Errors of `iii-log`.
    static let logTools = """
        log.not_found
        There is no such directory, or no such segment file.
        > Name the engine's data directory with -D, or segment files with --file.

        log.foreign
        The directory is not an engine's, or of another version; or files do not belong together.
        > Name another one with -D, or use the version that wrote it.

        log.unreadable
        Files of the log cannot be read.
        > Look after permissions and the disk; `iii-log recover` takes what can still be read.

        log.damaged
        Bytes of the log contradict their checksums or their neighbours. Nothing was changed.
        > List every damage with `iii-log verify`; then restore a backup, or take what is intact
        with `iii-log recover --to DIR`; `iii-log repair --dry-run` tells what a repair costs.

        log.in_use
        An engine has the directory, and what was asked for would change it.
        > Stop the engine first.

        log.not_written
        A file could not be written.
        > Look after room and permissions, and run the command again.

        target.not_empty
        The directory to be made is there and is not empty. Nothing was written.
        > Name a new directory.

        repair.loss_not_accepted
        The losses that were accepted are not those that a repair would make. Nothing was changed.
        > Name all that `iii-log repair --dry-run` tells, and no others.

        repair.malformed_loss
        An accepted loss is not of the form SEGMENT:POSITION:FIRST-END.
        > Copy it from what `iii-log repair --dry-run` prints.

        repair.failed
        The log is still damaged after the repair. What was replaced is in `quarantine/`.
        > Keep the directory as it is, take the rest with `iii-log recover`, and report it.

        why_kept.unknown_segment
        There is no such segment.
        > Take a number that `iii-log ls` lists.

        digest.unknown_offset
        The log does not reach as far as that offset.
        > Take an offset at or below the last one that `iii-log ls` shows.

        state.unknown_key
        There was no such key at that time.
        > List the keys with `iii-log state ls`, or ask for another time.

        queue.unknown_queue
        There was no such queue or topic at that place in the log.
        > List them with `iii-log queue ls`, or ask for another place with --at.

        cron.unknown_job
        No record tells of such a cron job.
        > See the jobs in `iii-log cron history`: each is its trigger's id, or its function's.

        state.history_trimmed HISTORY_TRIMMED
        Retention has removed what would tell.
        > Ask from the offset on that the message names; `[log] retention` says what is kept.

        replay.unknown_id
        Nothing in the log has that id.
        > Take a response's trace (x-iii-trace-id), a message's id, or an offset of `iii-log show`.

        replay.ambiguous_id
        The id means more than one thing.
        > Take one of those that the message lists.

        replay.malformed_id
        The text is no id, trace or offset.
        > Take a response's trace (x-iii-trace-id), a message's id, or an offset of `iii-log show`.

        replay.no_run
        Nothing in the history is a run of a function, so that nothing can be run again.
        > Take the id of a request that ran one; `iii-log replay` shows what there is.

        replay.no_input
        The log does not hold what the function was called with.
        > Take another run: what guards a listener is called with secrets, which no record holds.

        replay.too_large
        The history is larger than is put together here.
        > Ask for less, or read it with `iii-log replay` in a shell.

        show.malformed_time
        The text is no time.
        > Write 2026-09-01T12:00:00Z, "2026-09-01 12:00", yesterday or -1h.

        show.malformed_pattern
        The text is no regular expression.
        > Put a backslash before characters that are meant as they are.

        show.malformed_format
        The format has a field that does not exist.
        > Take fields that `iii-log show --help` lists.

        show.unknown_kind
        There is no such kind of record.
        > Take one that the message lists.

        show.unknown_field
        No record has a field of that name.
        > Take one that the message names, or that `iii-log fields` lists.

        show.malformed_filter
        What chooses records is not of the form FIELD=value.
        > Write it as queue=mails or kind=enqueued; options stand for times and offsets.

        export.malformed_path
        What --redact names is no path.
        > Write a field and what lies below it, as payload.card.number; * is any key or index.

        engine.elsewhere
        The files of that engine's log are not here, or cannot be read from here, and what was asked
        for needs them.
        > Run the command on the engine's machine, as its user, with -D.

        engine.refused
        The engine does not hand out its log.
        > Read the message; an engine of an older version cannot do it. Else run the command on its
        machine, with -D.

        log.replaced
        Retention put another file in the place of a segment while it was read from elsewhere.
        > Run the command again.

        export.exists
        The file that the export would be written to is there already. It was not touched.
        > Name a new file.
        """
}
