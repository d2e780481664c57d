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

let settings: Settings
do throws(Failure) {
    settings = try Settings(CommandLine.arguments.dropFirst())
} catch {
    say("\(error)\n\(Settings.usage)")
    exit(2)
}

var measurements: [Measurement] = []
var failures = 0
say("\(Processors.machine); \(settings.plan.seconds) s a row\n")
say(Table.head)
for group in Group.all
where settings.only.isEmpty && !group.isLong || settings.only.contains(group.name) {
    let first = measurements.count
    let before = Processors()
    do throws(Failure) {
        try group.run(settings) { measurement in
            say(Table.row(measurement))
            measurements.append(measurement)
        }
    } catch {
        failures += 1
        say("\(group.name): not measured: \(error)")
    }
    let others = Int(100 * Processors().share(ofOthersSince: before))
    guard others >= 10 else { continue }
    let note = "others used \(others) % of the processors"
    say("\(group.name): disturbed: \(note)")
    for index in first..<measurements.count {
        measurements[index].isDisturbed = true
        measurements[index].add(note: note)
    }
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
