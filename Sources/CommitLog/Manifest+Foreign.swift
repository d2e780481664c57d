import Primitives
import RecordFormat

extension Manifest {
    /// Whether it came from another log, where the headers of the segments say that they are of
    /// `engines`: all of one, and none of its own. Segments of several logs do not tell which of
    /// them is out of place.
    func isForeign(among engines: [UUID128]) -> Bool {
        guard let first = engines.first, first != engine else { return false }
        return engines.allSatisfy { $0 == first }
    }
}
