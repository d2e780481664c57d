import Testing

@testable import Server

@Suite("What an edit of the configuration changes")
struct ConfigurationEditTests {
    private func edit(_ before: String, _ after: String) throws -> ConfigurationEdit {
        let workspace = try Workspace()
        try workspace.write("iii.toml", before)
        let old = try workspace.load()
        try workspace.write("iii.toml", after)
        return ConfigurationEdit(from: old, to: try workspace.load())
    }

    @Test("is nothing where only comments and the order differ")
    func nothing() throws {
        let edit = try edit(
            "[http]\ntimeout = \"5s\"\nbody_limit = 7\n",
            "# new\n[http]\nbody_limit = 7 # seven\ntimeout = \"5000ms\"\n"
        )
        #expect(edit.isEmpty)
    }

    @Test("is live or pending, key by key, with its place")
    func kinds() throws {
        let edit = try edit(
            "[queue.queues.mails]\nconcurrency = 2\n[security]\ntoken = \"one\"\n",
            "[cron]\ntimezone = \"UTC\"\n[http]\ntimeout = \"5s\"\nbody_limit = 9\n"
                + "[security]\ntoken = \"two\"\n"
        )
        #expect(edit.live.first == "http.timeout = \"5s\" (iii.toml:4)")
        #expect(edit.live.contains("queue.queues.mails.concurrency is not set any more"))
        #expect(edit.pending.contains("http.body_limit = \"9\" (iii.toml:5)"))
        #expect(edit.pending.contains("security.token"))
        #expect(edit.live.allSatisfy { !$0.contains("two") })
        #expect(edit.pending.allSatisfy { !$0.contains("two") })
    }
}
