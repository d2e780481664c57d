import CPlatform
import Disk
import Engine
import Glibc
import Observability

/// Reads the telemetry that event loops had no time for, on a thread of its own, behind everything
/// else and at a pace: what comes faster finds no room and is dropped.
enum TelemetryReader {
    /// - Throws: where there is no thread for it.
    static func start(_ inbox: Inbox) throws(ServeError) {
        guard let waker = inbox.telemetry.waker else { return }
        try ServerThread.start { run(inbox, waker) }
    }

    private static func run(_ inbox: Inbox, _ waker: Waker) -> Never {
        platform_name_thread("iii-telemetry")
        platform_lower_priority(19)
        var pace = BackgroundPace()
        while true {
            while let frame = inbox.telemetry.takePostponed() {
                hand(frame, to: inbox)
                // Not by the waker: in a flood it is rung all the time.
                if let rest = pace.rest() { usleep(UInt32(clamping: rest / 1000)) }
            }
            waker.sleep(nanoseconds: nil)
        }
    }

    private static func hand(_ frame: PostponedTelemetry, to inbox: Inbox) {
        let items = frame.read()
        guard !items.isEmpty else { return inbox.telemetry.leave(frame.bytes) }
        let dropped = inbox.telemetry.takeDropped()
        inbox.offer(.reported(TelemetryBatch(items: items, bytes: frame.bytes, dropped: dropped)))
    }
}
