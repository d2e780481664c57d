import CommitLog
import Primitives
import RecordFormat
import Testing

@testable import LogTools

extension Lab {
    /// Holds what `iii-log verify --semantic` knows of causes to what the engine wrote: every test
    /// of the engine does so, and together they write whatever there is.
    func expectKnownCauses() {
        guard !disk.segments.isEmpty, disk.readFailure == nil else { return }
        var causes = CauseCheck()
        var findings = Findings()
        var next = Offset.zero
        var hasHole = false
        var reader = LogReader(SimulatedStorage(disk))
        do throws(LogError) {
            _ = try reader.read { record in
                if record.offset != next { hasHole = true }
                next = record.offset.advanced(by: 1)
                causes.check(LogRecord(record), hasHole: hasHole, &findings)
            }
        } catch {
            // A test has damaged it: what is before is held to all the same.
        }
        for finding in findings.found { Issue.record("\(finding)") }
    }
}
