/// What `iii init` writes.
enum Starter {
    static let files: [(name: String, text: String)] = [
        ("iii.toml", settings), ("worker.py", worker), ("requirements.txt", "iii-sdk==0.25.0\n"),
        (".gitignore", ignored),
    ]

    /// What to do next, as a shell takes it.
    static func commands(in directory: String) -> [String] {
        let enter = directory == "." ? "" : "cd \(quoted(directory)) && "
        return [
            "\(enter)python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
            "iii dev",
            "curl http://127.0.0.1:3111/notes -H 'content-type: application/json' "
                + #"-d '{"id": "1", "text": "hello"}'"#,
            "iii state get notes 1",
            "iii logs",
        ]
    }

    private static func quoted(_ path: String) -> String {
        let isPlain = path.allSatisfy { character in
            character.isLetter || character.isNumber || "/._-".contains(character)
        }
        if isPlain { return path }
        let parts = path.split(separator: "'", omittingEmptySubsequences: false)
        return "'\(parts.joined(separator: #"'\''"#))'"
    }

    private static let settings = """
        # `iii check` shows every setting in force, `iii doctor` whether an engine would start with
        # them. Most edits are taken while the engine runs.

        [engine]
        address = "127.0.0.1:49134"   # where workers connect
        data = "data"                 # all that the engine keeps; from this file's directory on

        [http]
        address = "127.0.0.1:3111"    # where HTTP triggers are served
        timeout = "30s"

        # The worker, which the engine starts and keeps running; `iii dev` starts it anew when it is
        # edited. Of the engine's environment it has what a language needs, and what is named here:
        # inherit_env = ["DATABASE_URL"].
        [[exec]]
        name = "notes"
        command = [".venv/bin/python", "worker.py"]

        # What waits to be run, and how often it is tried:
        #
        # [queue.queues.mails]
        # concurrency = 4
        # max_retries = 5
        # backoff = "500ms"

        # What nobody needs any more is removed from the log; without this, nothing is:
        #
        # [log]
        # retention = "30d"

        """

    private static let ignored = """
        # What the engine keeps: not for a repository.
        /data/
        /.venv/
        __pycache__/

        """

    private static let worker = #"""
        """Keeps notes that come over HTTP, and hears of each one that has changed.

            python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
            iii dev
        """

        import os
        import threading

        from iii import InitOptions, register_worker
        from iii_helpers.observability import Logger

        iii = register_worker(
            os.environ.get("III_URL", "ws://127.0.0.1:49134"),
            InitOptions(worker_name="notes"),
        )
        logger = Logger(service_name="notes")


        def create(request: dict) -> dict:
            """POST /notes: what is answered is on disk."""
            note = request["body"]
            if not isinstance(note, dict) or "id" not in note:
                return {"status_code": 400, "body": {"error": "a note is an object with an id"}}
            iii.trigger({
                "function_id": "state::set",
                "payload": {"scope": "notes", "key": str(note["id"]), "value": note},
            })
            return {"status_code": 201, "body": note}


        def changed(event: dict) -> None:
            """Runs for every write of the scope `notes`, whoever has written."""
            logger.info("A note has changed", {
                "key": event["key"],
                "old": event.get("old_value"),
                "new": event.get("new_value"),
            })


        iii.register_function("notes::create", create, description="Keeps a note")
        iii.register_function("notes::changed", changed, description="Logs what has changed")
        iii.register_trigger({
            "type": "http",
            "function_id": "notes::create",
            "config": {"api_path": "notes", "http_method": "POST"},
        })
        iii.register_trigger({
            "type": "state",
            "function_id": "notes::changed",
            "config": {"scope": "notes"},
        })

        # The SDK works on threads of its own and connects again by itself; this one only stays.
        threading.Event().wait()

        """#
}
