import Glibc
import Testing

extension Programs {
    /// The web app in a real Chromium, driven by `Fixtures/dashboard_browser.py`: a test for each
    /// of its scenarios, or for few that leave each other alone. It also fails at any console
    /// error, any request to elsewhere, and any page that is wider than its window.
    @Suite("Dashboard in a browser")
    struct DashboardTests {
        let engine: EngineProcess
        let hello: PythonWorker
        let shop: PythonWorker

        init() throws {
            let scratch = try Scratch()
            let settings = """
                [queue.queues.mails]
                max_retries = 2
                backoff = "100ms"

                [[exec]]
                name = "clerk"
                command = ["sleep", "9999"]
                """
            engine = EngineProcess(
                in: scratch,
                ["--config", try scratch.write("iii.toml", settings)]
            )
            try engine.start()
            let file = "\(Project.hello)/worker.py"
            hello = try PythonWorker(sdk: "0.25.0", [file], label: "hello", engine: engine)
            shop = try PythonWorker(
                sdk: "0.25.0",
                ["\(Project.fixtures)/dashboard_worker.py"],
                label: "shop",
                engine: engine
            )
            try eventually("both workers answer") { () -> Void? in
                try hello.check()
                try shop.check()
                let greeting = try HTTPClient.get(engine.httpPort, "/hello").status
                let order = try HTTPClient.get(engine.httpPort, "/ready").status
                return greeting == 200 && order == 200 ? () : nil
            }
        }
    }
}

extension Programs.DashboardTests {
    @Test("A request appears by itself within a second, and its steps are told and stepped through")
    func request() throws { try use("hello") }

    @Test("A failing job is seen, explained, edited, sent again, redriven and done, from the page")
    func mending() throws { try use("mending") }

    @Test("A topic's dead letter is handled where the page leads; how long a message waits is told")
    func topics() throws { try use("topics", "oldest") }

    @Test("What waits in a queue is dropped once that is confirmed; processes are seen to restart")
    func upkeep() throws { try use("purging", "processes") }

    @Test("A value is edited against its revision and looked back at; a function is called by form")
    func values() throws { try use("slider", "calling") }

    @Test(
        """
        Numbers stay as they were written, namespaces are told apart, data becomes no markup, and \
        of more queues, functions or workers than are told of the page says how many there are
        """
    )
    func fidelity() throws { try use("fidelity", "pieces", "namespaces", "address", "many") }

    @Test("A worker that is killed is unhealthy within two seconds")
    func killed() throws { try use("worker") }

    @Test("All of it goes by keyboard; live updates leave the focus; a flood is sampled")
    func keys() throws { try use("keyboard", "flood") }

    @Test("Under as many requests as the engine takes, the page shows a sample, and answers")
    func storm() throws { try use("storm") }

    @Test("A stream is watched as it happens, log lines come by themselves, items have their ids")
    func streams() throws { try use("streaming") }

    @Test("An alert that fires is what is wrong first, and its rule is told with its values")
    func alerts() throws { try use("alerting") }

    @Test("Every page has names, contrast and order, at 1280 and 400 pixels, light and dark")
    func every() throws { try use("every", "budget") }

    /// `DASHBOARD_SHOTS` names a directory for pictures of the pages.
    private func use(_ scenarios: String...) throws {
        let python = try Project.python(with: "playwright==1.65.2", in: engine.scratch)
        let shots = Project.environment("DASHBOARD_SHOTS").map { ["--shots", $0] } ?? []
        let used = try run(
            [python, "\(Project.fixtures)/dashboard_browser.py"] + scenarios + [
                "--dashboard", "http://127.0.0.1:\(engine.dashboardPort)",
                "--http", "http://127.0.0.1:\(engine.httpPort)", "--engine", engine.url,
                "--worker", "\(shop.pid)",
            ] + shots,
            in: engine.scratch,
            environment: ["NO_PROXY": "127.0.0.1,localhost", "HOME": engine.scratch.path],
            within: 120
        )
        #expect(used.ending == .exit(0), "\(used.all)")
    }
}
