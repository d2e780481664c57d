import Glibc
import Primitives
import SimulationKit

// simulate [--seeds N] [--from SEED] [--seconds S] [--jobs J] [--once] [--hash | --brief]
//
// Runs seeds through the simulator, each twice unless --once is given, and tells what it met. Exits
// with 1 for a broken promise, with 3 for a rare branch that was never taken.
//
// simulate --bit-flips [--jobs J]
//
// Flips every bit of two small logs, one at a time, and tells what became of them. Exits with 1 for
// the first that was not seen, named wrongly, or served.

struct Arguments {
    var seeds: UInt64 = 2000
    var from: UInt64 = 0
    var seconds = UInt64.max
    var jobs = 2
    var once = false
    /// Only the hash of all effects is printed, for comparing two processes.
    var isHashOnly = false
    /// Bits are flipped instead.
    var flipsBits = false
    /// Only what was found is printed, and what is rare need not be met.
    var isBrief = false

    init?(_ words: [String]) {
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--once": once = true
            case "--hash": isHashOnly = true
            case "--brief": isBrief = true
            case "--bit-flips": flipsBits = true
            default:
                guard let value = rest.popFirst().flatMap({ UInt64($0) }) else { return nil }
                switch word {
                case "--seeds": seeds = value
                case "--from": from = value
                case "--seconds": seconds = value
                case "--jobs": jobs = max(1, Int(value))
                default: return nil
                }
            }
        }
    }
}

guard let arguments = Arguments(Array(CommandLine.arguments.dropFirst())) else {
    print(
        "usage: simulate [--seeds N] [--from SEED] [--seconds S] [--jobs J] [--once] "
            + "[--hash | --brief] | --bit-flips [--jobs J]"
    )
    exit(64)
}
if arguments.flipsBits { exit(try await BitFlipRun(jobs: arguments.jobs).run() ? 0 : 1) }
let report = await Campaign(arguments).run()
if arguments.isHashOnly || arguments.isBrief {
    print(
        report.findings.isEmpty ? report.hash : report.findings.map(\.text).joined(separator: "\n")
    )
} else {
    print(report.text)
}
exit(report.status)
