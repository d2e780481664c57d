import ArgumentParser
import CommandLineKit
import LogTools

struct RepairCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Put a damaged log in order, in its own directory.",
        discussion: """
            A damaged segment is kept in quarantine/ as it is, and a file takes its place that has \
            every intact record under its own offset and gaps for the rest. A crash on the way \
            leaves each segment as it was or repaired. Without an option it asks on a terminal, \
            and elsewhere only tells what it would do (and exits 65). An engine must not run (75).
            """
    )

    @Option(
        name: [.customShort("D"), .customLong("data")],
        help: ArgumentHelp("The engine's data directory; else ./data.", valueName: "directory")
    )
    var data = "data"

    @Flag(help: "Tell what would be done, and do nothing.")
    var dryRun = false

    @Option(
        name: .customLong("accept-loss"),
        help: ArgumentHelp(
            "A loss that is accepted, as --dry-run prints it; every one has to be named.",
            valueName: "SEG:POS:A-B"
        )
    )
    var accepted: [String] = []

    @Flag(help: "One JSON object.")
    var json = false

    func validate() throws {
        if dryRun, !accepted.isEmpty {
            throw ValidationError("--dry-run changes nothing, --accept-loss does: choose one.")
        }
    }

    func run() throws {
        let path = data
        let texts = accepted
        let isDry = dryRun
        let (pass, plan) = try Answer.telling { () throws(ToolError) in
            let pass = try LogPass(tellingOf: .directory(path))
            return (pass, try RepairPlan(pass))
        }
        if isDry || plan.damages.isEmpty { return try tell(plan, isDone: false) }
        if texts.isEmpty {
            try tell(plan, isDone: false)
            try Answer.telling { () throws(ToolError) in try plan.check(plan.losses) }
            guard try isWanted() else { return }
        }
        try Answer.telling { () throws(ToolError) in
            let lock = try DirectoryLock(path)
            // Only now does nobody else change it.
            let current = try RepairPlan(pass)
            let losses = try texts.map { (text) throws(ToolError) in try AcceptedLoss(text) }
            try current.check(losses.isEmpty ? plan.losses : losses)
            try Repair(pass, current, DirectoryFiles(path: path)).run()
            _ = consume lock
        }
        let left = try Answer.telling { () throws(ToolError) in
            // The files have changed places.
            try RepairPlan(LogPass(tellingOf: .directory(path)))
        }
        if let first = left.losses.first {
            throw Failure(.internalFault, code: "repair.failed", "still damaged: \(first)")
        }
        try tell(plan, isDone: true)
    }

    private func isWanted() throws(Failure) -> Bool {
        guard Terminal.isTerminal(.input), Terminal.isTerminal(.error) else {
            throw Failure(
                .damaged,
                code: "log.damaged",
                "nothing was changed; name the losses that you accept, as printed"
            )
        }
        Terminal.write("Repair, and accept these losses? [y/N] ", to: .error)
        let answer = readLine() ?? ""
        return ["y", "yes"].contains(answer.lowercased())
    }

    private func tell(_ plan: RepairPlan, isDone: Bool) throws(Failure) {
        let output = Answer.output()
        if json {
            output.line(plan.json(isDone: isDone))
        } else if isDone {
            plan.writeDone(to: output)
        } else {
            plan.write(to: output, palette: .output)
        }
        try Answer.finish(output)
    }
}
