import Primitives

@testable import Events

let goldenRequests: [Golden] = [
    Golden(
        .request(
            .keyed(
                RequestKeyed(
                    route: "r",
                    key: "k",
                    fingerprint: 0x0102_0304_0506_0708,
                    expires: Timestamp(nanoseconds: 5)
                )
            )
        ),
        "0172016b08070605040302010500000000000000"
    ),
    Golden(
        .request(
            .kept(
                RequestKept(
                    request: Offset(7),
                    response: RequestKept.Response(
                        status: 201,
                        headers: [RequestKept.Header(name: "a", value: "b")],
                        body: [0x31]
                    )
                )
            )
        ),
        "070000000000000001c90001016101620131"
    ),
    Golden(
        .request(.kept(RequestKept(request: Offset(7), response: nil))),
        "070000000000000000"
    ),
    Golden(
        .request(.released(RequestReleased(request: Offset(7), reason: "r"))),
        "07000000000000000172"
    ),
    Golden(.request(.repeated(RequestRepeated(request: Offset(7)))), "0700000000000000"),
    Golden(
        .responded(
            Responded(
                .engine,
                status: 504,
                duration: Timestamp.Span(nanoseconds: 8),
                reason: "r"
            )
        ),
        "00f80108000000000000000172"
    ),
    Golden(
        .responded(Responded(.awaited, duration: Timestamp.Span(nanoseconds: 1))),
        "020000010000000000000000"
    ),
]
