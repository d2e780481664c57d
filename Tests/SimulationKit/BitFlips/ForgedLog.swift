import CommitLog
import Primitives

/// A ``SoundLog`` that somebody changed who can compute checksums. Whatever is in it, it is refused
/// or opened: no trap, no read beyond its end, no endless loop.
package struct ForgedLog: Sendable {
    private let log: SoundLog?

    package static let shared = ForgedLog()

    private init() { log = try? SoundLog(.closed) }

    /// Verifies the log that `change` makes of the bytes of segments 0 to 2 and of MANIFEST, 3,
    /// opens it, appends, and closes it.
    ///
    /// - Returns: what is wrong; nil: nothing.
    package func run(_ change: (inout [UInt64: [UInt8]]) -> Void) -> String? {
        guard let log else { return "a sound log cannot be made" }
        let disk = log.disk()
        var files = disk.files.mapValues(\.cache)
        files[3] = log.manifest.cache
        change(&files)
        if let manifest = files.removeValue(forKey: 3) { disk.manifest?.cache = manifest }
        for (segment, bytes) in files { disk.files[segment]?.cache = bytes }
        var reader = LogReader(SimulatedStorage(disk))
        let scan = try? reader.verify()
        _ = try? reader.survey()
        var random = SeededEntropy(seed: 5)
        do throws(LogError) {
            var opened = try CommitLog(
                opening: LogClaim(SimulatedStorage(disk)),
                options: SoundLog.options,
                entropy: &random,
                now: Timestamp(seconds: 1)
            ) { _ in }
            guard let scan, scan.damages.allSatisfy(\.isBesideRecords) else {
                return "opened, and is damaged"
            }
            _ = try opened.append(kind: 1, time: opened.lastTime, trace: nil, cause: nil) { _ in }
            try opened.close()
        } catch {
            return nil
        }
        return nil
    }
}
