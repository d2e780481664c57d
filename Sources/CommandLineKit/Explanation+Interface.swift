extension Explanation {
    /// What SDKs and other engines of the same interface answer.
    static let interface = """
        function_not_invokable
        An SDK was asked to run a function that its worker has registered as one elsewhere, by HTTP.
        This engine makes such requests itself.
        > Register the function again, either with a handler or with an address.

        channel_send_failed
        Another engine lost the connection of a function's worker while it handed a call over. This
        one says invocation_stopped.
        > Call again where that does no harm.

        AUTH_ERROR
        Another engine refuses a worker after it has connected. This one answers 401 or 403 instead.
        > Give the token or the credentials that the listener asks for.

        UNSUPPORTED
        An SDK's `observe()` was called, and its engine does not let functions be observed.
        > Set `[engine] observe = true`, or leave it: calls work without.

        INTERNAL_ERROR
        An engine could not make a response of what a function had answered. This one never says so:
        its responses have a code that tells what was wrong.
        > Look up the code that the response has; its error_id is in the engine's output.
        """
}
