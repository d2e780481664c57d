/// What the command line says.
struct Settings {
    var plan = Plan()
    /// The path of the `iii` that is measured.
    var engine = ""
    /// A directory on the file system that is measured.
    var scratch = ""
    /// Where the rows go as JSON; nil for nowhere.
    var output: String?
    /// The groups to run; all when empty.
    var only: [String] = []
    /// How often each group is measured, all of them one after the other: the middle counts.
    var rounds = 1
    /// The one load to run, as the table names it; all when nil.
    var clients: String?
    /// Of the group `streams`, and how long that goes on.
    var subscribers = 10_000
    var streamSeconds = 60.0
    /// Messages a second, as far as that holds.
    var streamRate = 100

    static let usage = """
        usage: Benchmarks --engine FILE --scratch DIRECTORY [--output FILE] [--seconds S]
                          [--only GROUP]… [--clients LOAD] [--rounds N]
                          [--subscribers N] [--stream-seconds S] [--stream-rate N]
        groups: \(Group.all.map(\.name).joined(separator: " "))
        """

    init(_ arguments: some Sequence<String>) throws(Failure) {
        var rest = arguments.makeIterator()
        while let option = rest.next() {
            guard let value = rest.next() else { throw Failure("\(option) needs a value") }
            switch option {
            case "--engine": engine = value
            case "--scratch": scratch = value
            case "--output": output = value
            case "--only":
                guard Group.all.contains(where: { $0.name == value }) else {
                    throw Failure("there is no group \(value)")
                }
                only.append(value)
            case "--clients": clients = value
            case "--rounds":
                guard let number = Int(value), 1...99 ~= number else {
                    throw Failure("--rounds takes 1 to 99, not \(value)")
                }
                rounds = number
            case "--subscribers":
                guard let number = Int(value), 100...19_000 ~= number else {
                    throw Failure("--subscribers takes 100 to 19000, not \(value)")
                }
                subscribers = number
            case "--stream-seconds":
                guard let seconds = Double(value), 1...3600 ~= seconds else {
                    throw Failure("--stream-seconds takes 1 to 3600, not \(value)")
                }
                streamSeconds = seconds
            case "--stream-rate":
                guard let rate = Int(value), 1...10_000 ~= rate else {
                    throw Failure("--stream-rate takes 1 to 10000, not \(value)")
                }
                streamRate = rate
            case "--seconds":
                guard let seconds = Double(value), 0.1...60 ~= seconds else {
                    throw Failure("--seconds takes 0.1 to 60, not \(value)")
                }
                plan.seconds = seconds
            default: throw Failure("unknown option \(option)")
            }
        }
        if engine.isEmpty { throw Failure("--engine is missing") }
        if scratch.isEmpty { throw Failure("--scratch is missing") }
    }

    /// The groups that are wanted, in the order in which they run.
    var groups: [Group] {
        Group.all.filter { only.isEmpty ? !$0.isLong : only.contains($0.name) }
    }

    /// Whether rows of this load are wanted.
    func wants(_ load: String) -> Bool { clients == nil || clients == load }
}
