# What the plugin is made of, for its own build and for one in Wireshark's source tree.
set(TCPHS_VERSION_NUMBER 0.1.0)

set(TCPHS_CORE_FILES
    core/capture_duplicates.c core/history.c core/unanswered_syns.c
    core/findings/check.c core/findings/findings.c core/findings/predicates.c
    core/tcp/acceptability.c core/tcp/ack.c core/tcp/belief.c core/tcp/connection.c core/tcp/evidence.c core/tcp/fast_path.c core/tcp/fin.c
    core/tcp/gap.c core/tcp/handshake_options.c core/tcp/machine.c core/tcp/origin.c core/tcp/outcome.c core/tcp/port_reuse.c
    core/tcp/process.c core/tcp/rst.c core/tcp/sequence_space.c core/tcp/state.c core/tcp/suspicion.c core/tcp/syn.c core/tcp/timestamps.c
    core/tcp/verdict.c
    core/zeek/zeek.c core/zeek/zeek_bytes.c)

set(TCPHS_PLUGIN_FILES
    wireshark/packet-tcphs.c wireshark/plugin.c
    wireshark/capture/ip_payload.c wireshark/capture/observed.c wireshark/capture/path.c wireshark/capture/primed_filter.c
    wireshark/capture/tcp_header.c wireshark/capture/tuple.c wireshark/capture/without_tcp.c
    wireshark/display/conversation_filter.c wireshark/display/display.c wireshark/display/explain.c wireshark/display/gui.c
    wireshark/display/second_pass.c wireshark/display/value_strings.c
    wireshark/reports/attempts.c wireshark/reports/endpoint_statistics.c wireshark/reports/flow_graph.c wireshark/reports/ladder.c
    wireshark/reports/quantiles.c wireshark/reports/report_rows.c wireshark/reports/report_table.c wireshark/reports/reports.c
    wireshark/reports/resolved_names.c wireshark/reports/response_times.c
    wireshark/tracker/cold_codec.c wireshark/tracker/connection_record.c wireshark/tracker/flow_table.c wireshark/tracker/half_open.c
    wireshark/tracker/frame_set.c wireshark/tracker/record_cache.c wireshark/tracker/tracker.c)
