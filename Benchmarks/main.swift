import Glibc

// Measures the device, the bare log, the engine and its peers in one run on one machine, and prints
// the table: absolute figures do not travel, ratios within a run do. README: `make bench`.

signal(SIGPIPE, SIG_IGN)

/// Prints a line that is seen at once, also through a pipe.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

let words = CommandLine.arguments
if words.count == 4, words[1] == Attack.option, let attack = Attack(rawValue: words[2]),
    let port = UInt16(words[3])
{
    do throws(Failure) {
        try attack.run(port: port)
    } catch {
        say("\(error)")
        exit(1)
    }
}

if words.count == 3, words[1] == RequestsApart.option, let port = UInt16(words[2]) {
    do throws(Failure) {
        try RequestsApart.run(port: port)
        exit(0)
    } catch {
        say("\(error)")
        exit(1)
    }
}

let settings: Settings
do throws(Failure) {
    settings = try Settings(CommandLine.arguments.dropFirst())
} catch {
    say("\(error)\n\(Settings.usage)")
    exit(2)
}

var all: [Measurement] = []
var failures = 0
say("\(Processors.machine); \(settings.plan.seconds) s a row\n")
say(Table.head)
for round in 1...settings.rounds {
    if settings.rounds > 1 { say("round \(round) of \(settings.rounds)") }
    for group in settings.groups where round == 1 || !group.hasRounds {
        let first = all.count
        let before = Processors()
        do throws(Failure) {
            try group.run(settings) { measurement in
                say(Table.row(measurement))
                all.append(measurement)
            }
        } catch {
            failures += 1
            say("\(group.name): not measured: \(error)")
        }
        let others = Int(100 * Processors().share(ofOthersSince: before))
        guard others >= 10 else { continue }
        let note = "others used \(others) % of the processors"
        say("\(group.name): disturbed: \(note)")
        for index in first..<all.count {
            all[index].isDisturbed = true
            all[index].add(note: note)
        }
    }
}
let measurements = all.middleRounds
if settings.rounds > 1 {
    say("\nthe middle of \(settings.rounds) rounds\n\(Table.head)")
    for measurement in measurements { say(Table.row(measurement)) }
}
say("")
for aim in Aim.all { say(aim.line(measurements)) }
if let output = settings.output {
    do throws(Failure) {
        try File.write(BenchFile.text(measurements), to: output)
    } catch {
        failures += 1
        say("\(error)")
    }
}
exit(failures == 0 ? 0 : 1)
